"""Whether certificates of a chain are revoked: from the collateral and from stapled answers.

The newest answer about a certificate decides, wherever it comes from: all are signed.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.evidence.nvidia_chain import Chain, fingerprint, name_of
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook, OcspNeed
from cocoon.attestation.evidence.nvidia_ocsp import (
    CLOCK_SKEW,
    ocsp_request,
    response_expiry,
    response_serial,
    verify_response,
)
from cocoon.errors import EvidenceError

_MAX_CACHED = 1024
_REVOKED = "update the VBIOS and the driver; if it stays so, take the GPU out of service"
_CLOCK = "set this machine's clock"
_EXPIRED = "fetch the collateral again: `cocoon attest collateral fetch`"


def chain_needs(chain: Chain, first: int) -> Iterator[tuple[OcspNeed, x509.Certificate]]:
    """The states that a chain needs, with the certificates, from ``first`` up to the root.

    A GPU makes its leaf itself, again and again, so nobody else knows its state: its chain is
    asked about from the second on.
    """
    certificates = chain.certificates
    for certificate, issuer in zip(certificates[first:], certificates[first + 1 :], strict=False):
        yield _need(certificate, issuer), certificate


class Revocation:
    """Answers at one moment.

    Args:
        book: collateral.
        stapled: answers that came with the evidence.
        now: unix seconds.

    Raises:
        EvidenceError: a stapled answer is malformed.
    """

    def __init__(self, book: GpuCollateralBook, stapled: Sequence[bytes], now: int) -> None:
        self._book = book
        self._now = now
        self._stapled: dict[int, list[bytes]] = {}
        for answer in stapled:
            self._stapled.setdefault(response_serial(answer), []).append(answer)

    def missing(self, chain: Chain, first: int) -> list[OcspNeed]:
        """What has no answer that could still count; signatures are not looked at."""
        needs = []
        for need, certificate in chain_needs(chain, first):
            answers = self._answers(need, certificate)
            if all(response_expiry(answer) < self._now for answer in answers):
                needs.append(need)
        return needs

    def check(self, chain: Chain, first: int, layer: str) -> int:
        """Every certificate from ``first`` up to the root is good, and that is recent.

        The chain ends in the pinned root; that was checked.

        Returns:
            Unix seconds until which all of this counts.

        Raises:
            EvidenceError: one is revoked, unknown, without an answer, or the answer is wrong.
        """
        expires = chain.not_after
        for index, (need, certificate) in enumerate(chain_needs(chain, first), first):
            what = f"{layer} {name_of(certificate)!r}"
            try:
                expires = min(expires, self._check_one(chain, index, need, what))
            except EvidenceError as error:
                # The answer in the book may be wrong, so a better one is asked for.
                self._book.require(need.key, str(error))
                raise
        return expires

    def _check_one(self, chain: Chain, index: int, need: OcspNeed, what: str) -> int:
        ders = tuple(c.public_bytes(Encoding.DER) for c in chain.certificates[index:])
        answers = self._answers(need, chain.certificates[index])
        if not answers:
            raise EvidenceError(f"GPU OCSP: no answer about {what}")
        states = [verify_response(answer, ders[0], ders[1:]) for answer in answers]
        # Of two of the same second the worse one counts.
        newest = max(states, key=lambda state: (state.this_update, not state.good))
        if not newest.good:
            raise EvidenceError(f"GPU OCSP: {what} is {newest.state}", fix=_REVOKED)
        if newest.this_update > self._now + CLOCK_SKEW:
            raise EvidenceError(f"GPU OCSP: the answer about {what} is from the future", fix=_CLOCK)
        if newest.expires_at < self._now:
            raise EvidenceError(f"GPU OCSP: the answer about {what} has expired", fix=_EXPIRED)
        return newest.expires_at

    def _answers(self, need: OcspNeed, certificate: x509.Certificate) -> list[bytes]:
        answers = list(self._stapled.get(certificate.serial_number, ()))
        kept = self._book.find(need.key)
        if kept is not None:
            answers.append(kept.data)
        return answers


@lru_cache(maxsize=_MAX_CACHED)
def _need(certificate: x509.Certificate, issuer: x509.Certificate) -> OcspNeed:
    der, issuer_der = (c.public_bytes(Encoding.DER) for c in (certificate, issuer))
    return OcspNeed(fingerprint(certificate), ocsp_request(der, issuer_der))
