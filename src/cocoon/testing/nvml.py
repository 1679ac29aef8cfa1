"""A stand-in for the module ``pynvml``, below the same functions and structures."""

# ruff: noqa: D102, N802 (the functions are the module's)

from collections.abc import Callable
from typing import Any

import pynvml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.nvidia_item import GpuItem

FUNCTIONS = (
    "nvmlInit",
    "nvmlShutdown",
    "nvmlDeviceGetCount",
    "nvmlDeviceGetHandleByIndex",
    "nvmlSystemGetConfComputeState",
    "nvmlSystemGetConfComputeSettings",
    "nvmlSystemGetConfComputeGpusReadyState",
    "nvmlSystemSetConfComputeGpusReadyState",
    "nvmlDeviceGetConfComputeGpuAttestationReport",
    "nvmlDeviceGetConfComputeGpuCertificate",
)


class StandInNvml:
    """Plays the driver for GPUs that somebody else simulates.

    Structures and constants are the real module's.

    Args:
        evidence: makes the GPUs' items over a nonce.
    """

    def __init__(self, evidence: Callable[[bytes], tuple[bytes, ...]]) -> None:
        self._evidence = evidence
        self.NVMLError = pynvml.NVMLError
        self.cc_feature = pynvml.NVML_CC_SYSTEM_FEATURE_ENABLED
        self.dev_tools = pynvml.NVML_CC_SYSTEM_DEVTOOLS_MODE_OFF
        self.environment = pynvml.NVML_CC_SYSTEM_ENVIRONMENT_PROD
        self.multi_gpu = pynvml.NVML_CC_SYSTEM_MULTIGPU_NONE
        self.ready = pynvml.NVML_CC_ACCEPTING_CLIENT_REQUESTS_TRUE
        self.calls: list[str] = []
        self.failing: set[str] = set()
        self.stuck = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("NVML_", "c_nvml")):
            return getattr(pynvml, name)
        raise AttributeError(name)

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        if name in self.failing:
            error: Any = self.NVMLError
            raise error(pynvml.NVML_ERROR_UNKNOWN)

    def nvmlInit(self) -> None:
        self._enter("nvmlInit")

    def nvmlShutdown(self) -> None:
        self._enter("nvmlShutdown")

    def nvmlDeviceGetCount(self) -> int:
        self._enter("nvmlDeviceGetCount")
        return len(self._evidence(bytes(32)))

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:
        self._enter("nvmlDeviceGetHandleByIndex")
        return ("device", index)

    def nvmlSystemGetConfComputeState(self) -> Any:
        self._enter("nvmlSystemGetConfComputeState")
        state = pynvml.c_nvmlConfComputeSystemState_t()
        state.ccFeature, state.devToolsMode = self.cc_feature, self.dev_tools
        state.environment = self.environment
        return state

    def nvmlSystemGetConfComputeSettings(self, settings: Any) -> int:
        self.calls.append("nvmlSystemGetConfComputeSettings")
        if "nvmlSystemGetConfComputeSettings" in self.failing:
            return int(pynvml.NVML_ERROR_UNKNOWN)
        settings._obj.multiGpuMode = self.multi_gpu
        return int(pynvml.NVML_SUCCESS)

    def nvmlSystemGetConfComputeGpusReadyState(self) -> int:
        self._enter("nvmlSystemGetConfComputeGpusReadyState")
        return int(self.ready)

    def nvmlSystemSetConfComputeGpusReadyState(self, state: int) -> None:
        self._enter("nvmlSystemSetConfComputeGpusReadyState")
        if not self.stuck:
            self.ready = state

    def nvmlDeviceGetConfComputeGpuAttestationReport(
        self, device: tuple[str, int], nonce: bytes
    ) -> Any:
        self._enter("nvmlDeviceGetConfComputeGpuAttestationReport")
        report = pynvml.c_nvmlConfComputeGpuAttestationReport_t()
        data = GpuItem.from_bytes(self._evidence(nonce)[device[1]]).report
        report.attestationReport[: len(data)] = list(data)
        report.attestationReportSize = len(data)
        return report

    def nvmlDeviceGetConfComputeGpuCertificate(self, device: tuple[str, int]) -> Any:
        self._enter("nvmlDeviceGetConfComputeGpuCertificate")
        chain = pynvml.c_nvmlConfComputeGpuCertificate_t()
        item = GpuItem.from_bytes(self._evidence(bytes(32))[device[1]])
        loaded = [x509.load_der_x509_certificate(der) for der in item.certificates]
        data = b"".join(c.public_bytes(Encoding.PEM) for c in loaded)
        chain.attestationCertChain[: len(data)] = list(data)
        chain.attestationCertChainSize = len(data)
        return chain
