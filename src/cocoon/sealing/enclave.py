"""The seal service as a guest sees it: an interface, and the key that comes out of it.

:class:`~cocoon.sealing.client.SgxEnclave` talks to the service of a real SGX host; a devnet has a
software enclave below the same interface, whose quotes only pass where its root is pinned by name.
"""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.errors import ConfigError
from cocoon.sealing.checks import SealPolicy, open_answer
from cocoon.sealing.derivation import PersistentKey, public_bytes, request_report_data
from cocoon.sealing.messages import MAX_KEY_NAME, GetPersistentKey, PersistentKeyAnswer
from cocoon.sealing.report import ReportSource


class SealEnclave(Protocol):
    """Something that answers seal requests."""

    def persistent_key(self, request: GetPersistentKey) -> PersistentKeyAnswer:
        """Answer one request; may block for seconds, and never longer than its time limit.

        Raises:
            EvidenceError: the enclave refuses the report.
            UnavailableError: it cannot be reached.
            DeadlineError: it did not answer in time.
            RemoteProtocolError: what it says is no answer.
        """
        ...


def fetch_key(
    enclave: SealEnclave, reports: ReportSource, key_name: str, policy: SealPolicy, now: int
) -> PersistentKey:
    """The persistent key of this guest for a name; the same as long as nothing of it changes.

    It changes with the guest's image or configuration, with the TDX module's patch level, with the
    enclave and with the processor: then everything sealed under it is lost here.

    Args:
        enclave: answers.
        reports: this guest's hardware.
        key_name: 1 to 256 bytes of UTF-8, such as ``app``.
        policy: which enclaves are believed.
        now: unix seconds.

    Raises:
        ConfigError: the name is empty or too long.
        AttestationError: the enclave is not believed (a subclass), or refuses us.
        RequestError: it cannot be reached in time (a subclass).
        RemoteProtocolError: what it says is no answer.
    """
    name = key_name.encode()
    if not 1 <= len(name) <= MAX_KEY_NAME:
        raise ConfigError(f"the name of a sealed key has 1 to {MAX_KEY_NAME} bytes")
    private_key = ec.generate_private_key(ec.SECP256R1())
    public_key = public_bytes(private_key.public_key())
    report = reports.report(request_report_data(public_key))
    answer = enclave.persistent_key(GetPersistentKey(report, public_key, name))
    return open_answer(answer, private_key, public_key, key_name, policy, now)
