"""A seal enclave in software, and the TD reports it accepts: for laptops and CI.

The directory holds what a processor keeps for itself: the key that seals and the key behind the MAC
of reports. Whoever can read it knows every key that it ever gave. Its quotes are of simulated SGX,
so they pass only where the devnet's root is pinned by name.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.evidence.collateral import Collateral
from cocoon.attestation.measurements import REPORT_DATA_BYTES
from cocoon.devnet.sgx_quote import build_sgx_quote
from cocoon.devnet.tee import SimulatedTee, simulated_measurements
from cocoon.devnet.tee_pki import CPU_SVN, NAME
from cocoon.devnet.tee_quote import PRODUCTION_ATTRIBUTES
from cocoon.errors import ConfigError, EvidenceError
from cocoon.sealing.derivation import (
    SEALING_KEY_BYTES,
    answer_report_data,
    encrypt_secret,
    persistent_key,
    request_report_data,
)
from cocoon.sealing.messages import REPORT_BYTES, GetPersistentKey, PersistentKeyAnswer
from cocoon.sealing.report import MAC_AT, MAC_BYTES, REPORT_TYPE, SIGNED_BYTES, accepted_report

SEED_BYTES: Final = 32
DEFAULT_ENCLAVE: Final = "seal-1"
DEFAULT_TCB: Final = "1"

_SEED_FILE = "processor_secret"


def software_mr_enclave(enclave: str = DEFAULT_ENCLAVE) -> bytes:
    """The MRENCLAVE of a software enclave, 32 bytes: the same on every devnet."""
    return hashlib.sha256(f"{NAME} enclave {enclave}".encode()).digest()


class SimulatedReports:
    """A :class:`~cocoon.sealing.report.ReportSource`: one image on a simulated processor.

    Args:
        tee: the simulated machine.
        image: name of the software image.
        version: of the image; another one has another ``tee_info_hash``.
        tcb: patch level of the TDX module; another one has another ``tee_tcb_info_hash``.
    """

    def __init__(
        self, tee: SimulatedTee, image: str, version: str = "1", tcb: str = DEFAULT_TCB
    ) -> None:
        self._seed = _processor_secret(tee.directory)
        self._image, self._version, self._tcb = image, version, tcb

    def report(self, report_data: bytes) -> bytes:
        """A report of 1024 bytes with a MAC that only this simulated processor accepts.

        Raises:
            EvidenceError: the report data is not 64 bytes.
        """
        if len(report_data) != REPORT_DATA_BYTES:
            raise EvidenceError(f"report data has {REPORT_DATA_BYTES} bytes")
        tcb_info = f"{NAME} TDX module {self._tcb}".encode().ljust(239, b"\0")
        measured = simulated_measurements(self._image, self._version).to_bytes()[:-64]
        td_info = PRODUCTION_ATTRIBUTES + bytes(8) + measured + bytes(112)
        head = (
            REPORT_TYPE.ljust(16, b"\0")
            + CPU_SVN
            + hashlib.sha384(tcb_info).digest()
            + hashlib.sha384(td_info).digest()
            + report_data
        ).ljust(SIGNED_BYTES, b"\0")
        report = head + _mac(self._seed, head) + tcb_info.ljust(256, b"\0") + td_info
        return report.ljust(REPORT_BYTES, b"\0")


class SoftwareEnclave:
    """A :class:`~cocoon.sealing.enclave.SealEnclave` in this process (``attestation.md`` §10.2).

    Args:
        tee: the simulated machine.
        enclave: name of the enclave's software; another one has another MRENCLAVE and other keys.
        debug: whether its quotes say DEBUG, for tests of what must be refused.
    """

    def __init__(
        self, tee: SimulatedTee, enclave: str = DEFAULT_ENCLAVE, *, debug: bool = False
    ) -> None:
        self._pki = tee.pki
        self._seed = _processor_secret(tee.directory)
        self.mr_enclave = software_mr_enclave(enclave)
        self._debug = debug

    def persistent_key(self, request: GetPersistentKey) -> PersistentKeyAnswer:
        """Check the report like the official enclave, derive and encrypt; never blocks.

        Raises:
            EvidenceError: the report is of another processor, changed, or of another key.
        """
        report = accepted_report(request.tdx_report)
        mac = request.tdx_report[MAC_AT : MAC_AT + MAC_BYTES]
        if not hmac.compare_digest(mac, _mac(self._seed, request.tdx_report[:SIGNED_BYTES])):
            raise EvidenceError("the TD report's MAC is not of this processor")
        if not hmac.compare_digest(report.report_data, request_report_data(request.public_key)):
            raise EvidenceError("the TD report is about another public key")
        sealing_key = hmac.digest(self._seed, b"seal" + self.mr_enclave, "sha256")
        secret = persistent_key(
            sealing_key[:SEALING_KEY_BYTES],
            report.tee_info_hash,
            report.tee_tcb_info_hash,
            request.key_name,
        )
        ephemeral = ec.generate_private_key(ec.SECP256R1())
        encrypted = encrypt_secret(secret, request.public_key, ephemeral)
        data = answer_report_data(request.public_key, encrypted)
        quote = build_sgx_quote(self._pki, self.mr_enclave, data, debug=self._debug)
        return PersistentKeyAnswer(quote, encrypted)


def sgx_collateral(tee: SimulatedTee, now: int) -> Collateral:
    """Collateral that SGX quotes of this simulated machine are judged with; ``now`` in seconds."""
    return Collateral.from_json(tee.pki.collateral_json(now, tee="SGX"))


def _mac(seed: bytes, signed: bytes) -> bytes:
    return hmac.digest(seed, b"report" + signed, "sha256")


def _processor_secret(directory: Path) -> bytes:
    """Read the simulated processor's secret, or make one; whoever is second takes the first's."""
    path = directory / _SEED_FILE
    temporary = directory / f".{_SEED_FILE}.{secrets.token_hex(8)}"
    try:
        if not path.exists():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(secrets.token_bytes(SEED_BYTES))
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        seed = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot use the simulated processor in {directory}: {error}") from None
    if len(seed) != SEED_BYTES:
        raise ConfigError(f"{path} does not hold a simulated processor's secret")
    return seed
