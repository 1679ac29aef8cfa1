"""What verification needed and did not find: told to whoever fetches it, outside the handshake."""

from collections.abc import Callable

from cocoon.errors import MissingCollateralError

TDX = "tdx"
"""Intel's data for trust domains; the key is ``FMSPC/CA``: 12 hex digits and the PCK issuer."""
SGX = "sgx"
"""The same for enclaves."""
SNP = "snp"
"""AMD's chain and revocations; the key is ``PRODUCT/SIGNER`` such as ``Milan/vcek``."""
GPU = "gpu"
"""NVIDIA's reference measurements and the state of certificates; their verifier names the key."""

PLATFORM_CA = "platform"
PROCESSOR_CA = "processor"

Listener = Callable[[str, str], None]
"""Takes kind and key; called inside a handshake, so it only takes a note."""


class Missing:
    """Part of every collateral book: builds the error and notifies a listener, if there is one.

    Whoever calls :meth:`missing` has first made sure that the evidence is signed by the vendor as
    far as that can be told without the data: the listener's memory is small.
    """

    listener: Listener | None = None

    def missing(self, kind: str, key: str, text: str) -> MissingCollateralError:
        """The error to raise.

        Args:
            kind: one of the constants here.
            key: what is missing.
            text: what to tell.
        """
        if self.listener is not None:
            self.listener(kind, key)
        return MissingCollateralError(text, kind, key)
