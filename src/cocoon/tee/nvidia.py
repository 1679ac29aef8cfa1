"""NVIDIA GPUs of this machine through NVML (``nvidia-ml-py``, the extra ``gpu``).

The official guest sets the GPUs ready and verifies them afterwards (``attestation.md`` §12.9);
here nothing runs on a GPU before it is verified, and before that is measured:

1. :meth:`GpuGate.verify`: not ready, confidential mode is on, evidence, our own verifier;
2. the guest extends RTMR3 with ``cocoon:gpu_verified=N``;
3. :meth:`GpuGate.open`: ready.
"""

import ctypes
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.nvidia import MAX_GPUS, GpuRequirement, VerifiedGpu
from cocoon.attestation.evidence.nvidia_chain import verify_chain
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.attestation.evidence.nvidia_item import MAX_STAPLED, MAX_STAPLED_BYTES, GpuItem
from cocoon.attestation.evidence.nvidia_report import NONCE_BYTES
from cocoon.attestation.evidence.nvidia_status import chain_needs
from cocoon.errors import ConfigError, EvidenceError, LocalProtocolError

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class ConfComputeState:
    """What the driver says about confidential computing; it proves nothing to others.

    Attributes:
        enabled: the mode is on.
        dev_tools: it is on for debugging: others can read what the GPU holds.
        production: it is not a simulation.
        multi_gpu: several GPUs work as one, over links that this evidence does not cover.
    """

    enabled: bool
    dev_tools: bool
    production: bool
    multi_gpu: bool


class NvmlGpus:
    """A :class:`~cocoon.attestation.evidence.GpuEvidenceSource` for the GPUs of this machine.

    Args:
        nvml: the module ``pynvml``, or a stand-in with the same functions; None imports it.
        staple: collateral from which OCSP answers are added to the evidence, so that verifiers
            need not ask NVIDIA about each GPU; adds a few KiB a GPU.

    Raises:
        ConfigError: the module is not installed, or there is no driver.
    """

    def __init__(self, nvml: Any = None, *, staple: GpuCollateralBook | None = None) -> None:
        self._nvml = nvml if nvml is not None else _import_nvml()
        self._staple = staple
        try:
            self._nvml.nvmlInit()
        except self._nvml.NVMLError as error:
            raise ConfigError(f"no NVIDIA driver answers: {error}") from error

    def close(self) -> None:
        """Let the driver go."""
        self._call("shutdown", self._nvml.nvmlShutdown)

    def count(self) -> int:
        """GPUs of this machine.

        Raises:
            EvidenceError: the driver does not say, or more than can be attested.
        """
        count = int(self._call("count", self._nvml.nvmlDeviceGetCount))
        if not 1 <= count <= MAX_GPUS:
            raise EvidenceError(f"{count} GPUs; 1 to {MAX_GPUS} can be attested")
        return count

    def state(self) -> ConfComputeState:
        """The mode of confidential computing.

        Raises:
            EvidenceError: the driver does not say, or says something unknown.
        """
        nvml = self._nvml
        state = self._call("state of confidential computing", nvml.nvmlSystemGetConfComputeState)
        return ConfComputeState(
            enabled=state.ccFeature == nvml.NVML_CC_SYSTEM_FEATURE_ENABLED,
            dev_tools=state.devToolsMode != nvml.NVML_CC_SYSTEM_DEVTOOLS_MODE_OFF,
            production=state.environment == nvml.NVML_CC_SYSTEM_ENVIRONMENT_PROD,
            multi_gpu=self._multi_gpu_mode() != nvml.NVML_CC_SYSTEM_MULTIGPU_NONE,
        )

    def require_confidential(self) -> None:
        """Confidential mode is on, for production, for each GPU by itself.

        Raises:
            EvidenceError: it is not; says what to set.
        """
        state = self.state()
        if not state.enabled:
            raise EvidenceError("GPU mode: confidential computing is off; set it on the host")
        if state.dev_tools:
            raise EvidenceError("GPU mode: developer tools are on, so GPU memory can be read")
        if not state.production:
            raise EvidenceError("GPU mode: the driver calls its environment a simulation")
        if state.multi_gpu:
            raise EvidenceError("GPU mode: several GPUs work as one; their links are not attested")

    def evidence(self, nonce: bytes) -> tuple[bytes, ...]:
        """One item for every GPU, each made over this nonce of 32 bytes; takes seconds.

        Raises:
            EvidenceError: a GPU did not produce a report.
        """
        if len(nonce) != NONCE_BYTES:
            raise EvidenceError(f"a GPU's nonce has {NONCE_BYTES} bytes")
        return tuple(self._item(index, nonce) for index in range(self.count()))

    def is_ready(self) -> bool:
        """Whether the GPUs accept work.

        Raises:
            EvidenceError: the driver does not say.
        """
        nvml = self._nvml
        state = self._call("ready state", nvml.nvmlSystemGetConfComputeGpusReadyState)
        return bool(state == nvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE)

    def set_ready(self, ready: bool) -> None:
        """Let the GPUs accept work, or not; :class:`GpuGate` decides when.

        Raises:
            EvidenceError: the driver does not do it.
        """
        nvml = self._nvml
        wanted = (
            nvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE
            if ready
            else nvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_FALSE
        )
        self._call("ready state", lambda: nvml.nvmlSystemSetConfComputeGpusReadyState(wanted))
        if self.is_ready() is not ready:
            raise EvidenceError("GPU ready state: the driver did not change it")

    def _multi_gpu_mode(self) -> int:
        settings = self._nvml.c_nvmlSystemConfComputeSettings_v1_t()
        # This one function of the module hands the driver's status on instead of raising.
        status = self._call(
            "settings of confidential computing",
            lambda: self._nvml.nvmlSystemGetConfComputeSettings(ctypes.byref(settings)),
        )
        if status != self._nvml.NVML_SUCCESS:
            raise EvidenceError(f"GPU settings of confidential computing: NVML status {status}")
        return int(settings.multiGpuMode)

    def _item(self, index: int, nonce: bytes) -> bytes:
        nvml = self._nvml
        what = f"report of GPU {index}"
        device = self._call(what, lambda: nvml.nvmlDeviceGetHandleByIndex(index))
        report = self._call(
            what, lambda: nvml.nvmlDeviceGetConfComputeGpuAttestationReport(device, nonce)
        )
        chain = self._call(what, lambda: nvml.nvmlDeviceGetConfComputeGpuCertificate(device))
        pem = _sized(chain.attestationCertChain, chain.attestationCertChainSize, what)
        try:
            certificates = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise EvidenceError(f"{what}: malformed certificates") from error
        ders = tuple(c.public_bytes(Encoding.DER) for c in certificates)
        data = _sized(report.attestationReport, report.attestationReportSize, what)
        try:
            return GpuItem(data, ders, self._stapled(ders)).to_bytes()
        except LocalProtocolError as error:
            raise EvidenceError(f"{what}: {error}") from error

    def _stapled(self, chain: tuple[bytes, ...]) -> tuple[bytes, ...]:
        if self._staple is None:
            return ()
        verified = verify_chain(chain, "GPU certificate")
        kept = [self._staple.find(need.key) for need, _ in chain_needs(verified, 1)]
        answers = [item.data for item in kept if item and len(item.data) <= MAX_STAPLED_BYTES]
        return tuple(answers[:MAX_STAPLED])

    def _call(self, what: str, function: Callable[[], _Result]) -> _Result:
        with self._errors(what):
            return function()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        try:
            yield
        except self._nvml.NVMLError as error:
            raise EvidenceError(f"GPU {what}: {error}") from error


class GpuGate:
    """Keeps the GPUs from working until they are verified.

    Args:
        gpus: of this machine.
        requirement: what they must show.
    """

    def __init__(self, gpus: NvmlGpus, requirement: GpuRequirement) -> None:
        self._gpus = gpus
        self._requirement = requirement
        self._verified = False

    def verify(self, nonce: bytes, now: int) -> tuple[VerifiedGpu, ...]:
        """Verify all GPUs, which accept no work meanwhile; takes seconds.

        Args:
            nonce: fresh random bytes, 32.
            now: unix seconds.

        Raises:
            EvidenceError: one does not verify, or confidential mode is off.
            PolicyError: they are not what is asked for.
        """
        self._verified = False
        self._gpus.set_ready(False)
        self._gpus.require_confidential()
        found = self._requirement.check(self._gpus.evidence(nonce), nonce, now)
        self._verified = True
        return found

    def open(self) -> None:
        """Let the GPUs accept work; after the verification has been measured.

        Raises:
            EvidenceError: they were not verified, or the driver refuses.
        """
        if not self._verified:
            raise EvidenceError("GPU ready state: the GPUs are not verified")
        self._gpus.set_ready(True)


def _import_nvml() -> Any:
    try:
        return importlib.import_module("pynvml")
    except ModuleNotFoundError as error:
        raise ConfigError("GPU evidence needs nvidia-ml-py: install cocoon[gpu]") from error


def _sized(array: Any, size: int, what: str) -> bytes:
    if not 0 < size <= len(array):
        raise EvidenceError(f"GPU {what}: the driver names a size of {size} bytes")
    return bytes(array[:size])
