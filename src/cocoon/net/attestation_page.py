"""``GET /attestation``: the page on which a node shows its evidence to strangers.

Everything on it is public: each peer gets the certificate anyway. Fresh evidence costs work of the
hardware, so it is made for few readers a second, one after another.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cocoon import __version__
from cocoon.attestation.document import (
    NONCE_BYTES,
    AttestationDocument,
    ChallengeAnswer,
    challenge_report_data,
    form_of,
)
from cocoon.attestation.event_log import SPEC_TREE
from cocoon.attestation.evidence import EvidenceKind, EvidenceSource
from cocoon.errors import CocoonError, ConfigError
from cocoon.net.identity import Identity

PATH: Final = "/attestation"
SOFTWARE: Final = f"cocoon {__version__}"
CHALLENGES_PER_SECOND: Final = 1.0
CHALLENGE_BURST: Final = 5.0
MAX_WAITING: Final = 4
"""Challenges that wait for the hardware at a time: it may be slower than they come."""
KEPT_SECONDS: Final = 1.0
"""For so long readers without a nonce get the same page: making one takes milliseconds."""
CONFIG_HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a node says about itself beside its certificate.

    Attributes:
        role: ``proxy``, ``worker`` or ``key-manager``.
        image_hash: what its evidence measures, 32 bytes; None where it does not know.
        model: full model name.
        logs: reads the binary log of the boot and the lines of our start-up; None where there
            are none.
    """

    role: str
    image_hash: bytes | None = None
    model: str | None = None
    logs: Callable[[], tuple[bytes | None, str | None]] | None = None


class AttestationPage:
    """The page of one node.

    Args:
        identity: our certificate.
        evidence: what answers challenges; None where this process has no such hardware.
        facts: what is said besides.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        identity: Identity,
        evidence: EvidenceSource | None,
        facts: PageFacts,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._identity = identity
        self._evidence = evidence
        self._facts = facts
        self._budget = _Budget(clock)
        self._one_at_a_time = asyncio.Lock()
        self._clock = clock
        self._keeping = asyncio.Lock()
        self._kept: tuple[float, bytes] | None = None
        self._waiting = 0

    def route(self) -> Route:
        """The route for a node's pages."""
        return Route(PATH, self.answer, methods=["GET"])

    def app(self) -> Starlette:
        """An application with this page alone, for a port that strangers reach."""
        return Starlette(routes=[self.route()])

    async def answer(self, request: Request) -> Response:
        """Answer one call."""
        given = request.query_params.get("nonce")
        if given is None:
            return await self._respond(None)
        nonce = _nonce(given)
        if nonce is None:
            return _failed("nonce must be 64 hex digits", 400)
        if self._evidence is None or self._evidence.kind is EvidenceKind.NONE:
            return _failed("this node has no hardware that answers challenges", 404)
        if self._waiting >= MAX_WAITING or not self._budget.take():
            return _failed("too many challenges: try again in a second", 429)
        self._waiting += 1
        try:
            return await self._respond(nonce)
        finally:
            self._waiting -= 1

    async def _respond(self, nonce: bytes | None) -> Response:
        try:
            if nonce is None:
                content = await self._plain()
            else:
                content = (await self.document(nonce)).to_bytes()
        except CocoonError as error:
            return _failed(f"no evidence now: {type(error).__name__}", 503)
        headers = {"cache-control": "no-store"}
        return Response(content, media_type="application/json", headers=headers)

    async def _plain(self) -> bytes:
        """The page for readers without a nonce."""
        async with self._keeping:
            if self._kept is None or self._clock() - self._kept[0] >= KEPT_SECONDS:
                document = await self.document()
                self._kept = self._clock(), document.to_bytes()
            return self._kept[1]

    async def document(self, nonce: bytes | None = None) -> AttestationDocument:
        """What the page shows now.

        Args:
            nonce: 32 bytes of a reader, for fresh evidence.

        Raises:
            CocoonError: there is no valid certificate, or the hardware gives no evidence.
        """
        facts, source = self._facts, self._evidence
        async with self._one_at_a_time:
            with contextlib.suppress(CocoonError):  # what we have may still be valid
                await self._identity.renew_if_due()  # in a thread: hardware may take seconds
        credentials = self._identity.current()
        challenge = None
        if nonce is not None:
            if source is None:
                raise ConfigError("this node has no hardware that answers challenges")
            report_data = challenge_report_data(nonce, credentials.public_key)
            async with self._one_at_a_time:
                evidence = await asyncio.to_thread(source.quote, report_data)
            challenge = ChallengeAnswer(nonce, form_of(source.kind), evidence)
        event_log, start_up_log = (
            (None, None) if facts.logs is None else await asyncio.to_thread(facts.logs)
        )
        return AttestationDocument(
            role=facts.role,
            software=SOFTWARE,
            kind=(EvidenceKind.NONE if source is None else source.kind).value,
            certificate=credentials.certificate_der,
            image_hash=facts.image_hash,
            config_hash=_config_hash(start_up_log),
            model=facts.model,
            event_log=event_log or None,
            start_up_log=start_up_log or None,
            challenge=challenge,
        )


class _Budget:
    """Challenges that may still be answered: a bucket that fills with time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left = CHALLENGE_BURST
        self._seen = clock()

    def take(self) -> bool:
        """Whether one more may be answered now."""
        now = self._clock()
        grown = self._left + (now - self._seen) * CHALLENGES_PER_SECOND
        self._seen, self._left = now, min(CHALLENGE_BURST, grown)
        if self._left < 1:
            return False
        self._left -= 1
        return True


def _config_hash(start_up_log: str | None) -> bytes | None:
    """The hash of the configuration that our start-up measured, if it did."""
    for line in (start_up_log or "").split("\n"):
        if line.startswith(SPEC_TREE):
            try:
                value = bytes.fromhex(line.removeprefix(SPEC_TREE))
            except ValueError:
                return None
            return value if len(value) == CONFIG_HASH_BYTES else None
    return None


def _nonce(text: str) -> bytes | None:
    if len(text) != 2 * NONCE_BYTES or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _failed(reason: str, status: int) -> Response:
    headers = {"retry-after": "1"} if status == 429 else None
    return PlainTextResponse(f"failed: {reason}\n", status, headers)
