"""Signed cumulative payments: the side that signs and the side that receives.

A payment is an envelope over a *cumulative* token counter of one contract (``onchain.md`` §2); a
larger one replaces a smaller. This module decides what may be signed and what may be believed; the
bytes are made and checked by functions that the caller passes in (``cocoon.chain``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from cocoon.accounting.amount import NO_TOKENS, Tokens
from cocoon.accounting.levels import Counter
from cocoon.errors import PaymentError, SignerRegressionError

MakeEnvelope = Callable[[Tokens], bytes]
"""Signs an envelope for this many tokens: BoC bytes."""
ReadEnvelope = Callable[[bytes], int]
"""Verifies an envelope completely and returns its tokens; raises CocoonError classes."""


class ChannelSigner:
    """Signs for one channel, never backwards and never above what is committed.

    Signing costs tens of microseconds, so the envelope is made only when somebody asks for it and
    the amount has grown since the last.

    Args:
        counter: the account's counter; its chain level bounds what is signed.
        make_envelope: builds the signed bytes.
        signed: the highest amount known to have been signed before, after a restart.
    """

    __slots__ = ("_counter", "_envelope", "_make_envelope", "_signed")

    def __init__(
        self, counter: Counter, make_envelope: MakeEnvelope, signed: Tokens = NO_TOKENS
    ) -> None:
        self._counter = counter
        self._make_envelope = make_envelope
        self._signed = signed
        self._envelope: bytes | None = None

    @property
    def signed(self) -> Tokens:
        """The highest amount signed so far."""
        return self._signed

    def latest(self) -> bytes:
        """The envelope for everything committed so far.

        Raises:
            SignerRegressionError: more was signed before than is committed now: the books are an
                old copy, and nothing must be signed from them.
        """
        return self.sign(self._counter.chain)

    def sign(self, tokens: Tokens) -> bytes:
        """The envelope for ``tokens``, from memory if they were the last signed.

        Raises:
            SignerRegressionError: less than already signed.
            PaymentError: more than the committed level.
        """
        if tokens < self._signed:
            raise SignerRegressionError(f"{self._signed} tokens are signed, refusing {tokens}")
        if tokens > self._counter.chain:
            raise PaymentError(
                f"{self._counter.chain} tokens are committed, refusing to sign {tokens}"
            )
        if self._envelope is None or tokens > self._signed:
            self._envelope = self._make_envelope(tokens)
            self._signed = tokens
        return self._envelope


class LowerClaim(Enum):
    """What a receiver does when a peer states less than it stated before."""

    REFUSE = "refuse"
    """A worker: the proxy was rolled back and the worker's earnings with it; disconnect."""
    KEEP_HIGHEST = "keep highest"
    """A client: it owes at most less; remember the highest, as the official client does."""


@dataclass(frozen=True, slots=True)
class PaymentClaim:
    """What a proxy states about a channel, checked.

    Args:
        signed: tokens that the newest valid envelope is worth, 0 without one.
        db: tokens that survive a crash of the proxy.
        max: tokens used so far.
        envelope: the newest valid envelope as it can be sent to the chain.
    """

    signed: Tokens = NO_TOKENS
    db: Tokens = NO_TOKENS
    max: Tokens = NO_TOKENS
    envelope: bytes | None = None


class PaymentReceiver:
    """A client's or worker's memory of what its proxy has signed and stated for one contract.

    Args:
        read_envelope: verifies an envelope for this channel's contract and key.
        lower: what to do about a claim below an earlier one.
        known: what was known from an earlier connection.
    """

    __slots__ = ("_known", "_lower", "_read_envelope")

    def __init__(
        self,
        read_envelope: ReadEnvelope,
        lower: LowerClaim,
        known: PaymentClaim | None = None,
    ) -> None:
        self._read_envelope = read_envelope
        self._lower = lower
        self._known = known or PaymentClaim()

    @property
    def known(self) -> PaymentClaim:
        """The highest of everything received."""
        return self._known

    def receive(
        self,
        envelope: bytes | None,
        db: int,
        max_used: int,
        since: PaymentClaim | None = None,
    ) -> PaymentClaim:
        """Take a proxy's statement; an envelope equal to the known one is not verified again.

        Args:
            envelope: BoC bytes, or None where the wire said ``proxy.signedPaymentEmpty``.
            db: the proxy's stored level.
            max_used: the proxy's used level.
            since: what was known when the statement was asked for, if it was: a newer one may
                have overtaken it. The default is what is known now.

        Returns:
            What is known now; also in :attr:`known`.

        Raises:
            PaymentError: the envelope does not verify, the levels are out of order or, with
                ``REFUSE``, something is lower than before; :attr:`known` is unchanged.
            DecodeError: the envelope does not parse; likewise.
        """
        known = self._known
        signed = self._signed_amount(envelope)
        claim = PaymentClaim(signed, Tokens(db), Tokens(max_used), envelope)
        if not claim.signed <= claim.db <= claim.max:
            raise PaymentError(
                f"the proxy's levels are out of order: signed {claim.signed}, "
                f"stored {claim.db}, used {claim.max}"
            )
        if self._lower is LowerClaim.REFUSE:
            _refuse_lower(since or known, claim)
        elif self._lower is not LowerClaim.KEEP_HIGHEST:
            raise PaymentError(f"no rule for lower claims: {self._lower}")
        self._known = _highest(known, claim)
        return self._known

    def _signed_amount(self, envelope: bytes | None) -> Tokens:
        if envelope is None:
            return Tokens(0)
        if envelope == self._known.envelope:
            return self._known.signed
        return Tokens(self._read_envelope(envelope))


def _refuse_lower(known: PaymentClaim, claim: PaymentClaim) -> None:
    levels = (
        ("signed", known.signed, claim.signed),
        ("stored", known.db, claim.db),
        ("used", known.max, claim.max),
    )
    for name, before, now in levels:
        if now < before:
            raise PaymentError(f"the proxy's {name} level went back from {before} to {now}")


def _highest(known: PaymentClaim, claim: PaymentClaim) -> PaymentClaim:
    keeps_envelope = known.envelope is not None and claim.signed <= known.signed
    return PaymentClaim(
        max(known.signed, claim.signed),
        max(known.db, claim.db),
        max(known.max, claim.max),
        known.envelope if keeps_envelope else claim.envelope,
    )
