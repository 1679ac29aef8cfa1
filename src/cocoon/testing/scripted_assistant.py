"""An assistant that answers what a test tells it to, without a network and without money."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cocoon.accounting import Nano
from cocoon.telegram.assistant.values import Delta, Event, Facts, Finished, Model, Question

CHAT_MODEL = Model(
    name="test/chat",
    title="Test Chat",
    inputs=frozenset({"text"}),
    endpoints=frozenset({"chat"}),
    context=8192,
    price=Nano(20_000_000),
    coefficients=(1000, 1500),
    workers=2,
    free_workers=1,
    evidence=frozenset({"tdx"}),
)
VISION_MODEL = replace(
    CHAT_MODEL, name="test/vision", title="Test Vision", inputs=frozenset({"text", "image"})
)
VOICE_MODEL = replace(
    CHAT_MODEL,
    name="test/voice",
    title="Test Voice",
    inputs=frozenset({"audio"}),
    endpoints=frozenset({"transcription"}),
)


@dataclass(slots=True)
class Script:
    """One answer.

    Attributes:
        pieces: texts of its deltas.
        error: raised after them instead of an end.
        finish: why it ends.
        cost: nanoTON that it is said to cost.
        gate: if given, waited for before each piece: ``gate.release()`` lets one through.
        delay: seconds before each piece.
    """

    pieces: Sequence[str] = ("An answer.",)
    error: Exception | None = None
    finish: str = "stop"
    cost: int = 1_000_000
    gate: asyncio.Semaphore | None = None
    delay: float = 0.0


@dataclass(slots=True)
class ScriptedAssistant:
    """An :class:`cocoon.telegram.assistant.api.Assistant` that follows scripts.

    Attributes:
        scripts: of the next answers; where there is none left, :attr:`default`.
        default: of all others.
        questions: that were asked, the newest last.
        recordings: names and bytes of what was to be transcribed.
        transcripts: texts of the next recordings; an exception is raised.
        served: what :meth:`models` returns; an exception is raised.
        verified: what :meth:`verification` returns; an exception is raised.
        saved: facts by reference.
        stopped: references of answers that were closed before their end.
    """

    scripts: deque[Script] = field(default_factory=deque)
    default: Script = field(default_factory=Script)
    questions: list[Question] = field(default_factory=list)
    recordings: list[tuple[str, bytes]] = field(default_factory=list)
    transcripts: deque[str | Exception] = field(default_factory=deque)
    served: tuple[Model, ...] | Exception = (CHAT_MODEL,)
    verified: dict[str, Any] | Exception | None = None
    saved: dict[str, Facts] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)

    def say(self, *pieces: str, **changes: Any) -> None:
        """Script the next answer."""
        self.scripts.append(Script(pieces=pieces, **changes))

    def fail(self, error: Exception, *pieces: str) -> None:
        """Script a failure, after some pieces or none."""
        self.scripts.append(Script(pieces=pieces, error=error))

    async def answer(self, question: Question) -> AsyncIterator[Event]:
        """Follow the next script."""
        self.questions.append(question)
        script = self.scripts.popleft() if self.scripts else self.default
        has_ended = False
        finish = "error" if script.error is not None else script.finish
        try:
            for piece in script.pieces:
                if script.gate is not None:
                    await script.gate.acquire()
                if script.delay:
                    await asyncio.sleep(script.delay)
                yield Delta(piece)
            has_ended = True
            if script.error is not None:
                raise script.error
        finally:
            if not has_ended:
                finish = "stopped"
                self.stopped.append(question.reference)
            facts = self._keep(question, script, finish)
        yield Finished(facts)

    async def transcribe(self, question: Question, name: str, sound: bytes) -> str:
        """The next of :attr:`transcripts`."""
        self.questions.append(question)
        self.recordings.append((name, sound))
        result = self.transcripts.popleft() if self.transcripts else "hello"
        if isinstance(result, Exception):
            raise result
        return result

    async def models(self) -> tuple[Model, ...]:
        """:attr:`served`."""
        if isinstance(self.served, Exception):
            raise self.served
        return self.served

    async def facts(self, reference: str) -> Facts | None:
        """Of an answer that was given."""
        return self.saved.get(reference)

    async def last_facts(self, chat: str) -> Facts | None:
        """Of a chat's newest answer."""
        return self.saved.get(self.chats.get(chat, ""))

    async def verification(self) -> dict[str, Any] | None:
        """:attr:`verified`."""
        if isinstance(self.verified, Exception):
            raise self.verified
        return self.verified

    def _keep(self, question: Question, script: Script, finish: str) -> Facts:
        facts = Facts(
            reference=question.reference,
            at=1_800_000_000,
            model=question.model or CHAT_MODEL.name,
            finish=finish,
            cost=script.cost,
            charged=script.cost,
            is_estimate=False,
            prompt_tokens=12,
            completion_tokens=len(script.pieces),
            seconds=0.5,
            first=0.1 if script.pieces else None,
            proxy={"image": "ab" * 32, "evidence": "tdx", "address": "proxy.example:1"},
            worker={"image": "cd" * 32, "evidence": "tdx", "owner": "EQ" + "A" * 46},
        )
        self.saved[question.reference] = facts
        self.chats[question.chat] = question.reference
        return facts
