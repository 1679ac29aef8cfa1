"""What bot, Mini App and programs of others ask of an assistant; the real one is beside it."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from cocoon.telegram.assistant.values import Event, Facts, Model, Question


class Assistant(Protocol):
    """Answers questions and charges for them."""

    def answer(self, question: Question) -> AsyncIterator[Event]:
        """Stream an answer: any number of :class:`Delta`, then one :class:`Finished`.

        Money is held before anything is sent and settled when the answer has ended, however it
        ended. Closing the iterator early (``aclose``, or leaving ``aclosing``) stops the worker;
        what was used until then is charged, and :meth:`facts` tells it.

        Raises:
            InsufficientFundsError: the user's allowance and balance do not cover it.
            BadRequestError: the reference was charged before, or the conversation cannot be sent.
            UnknownModelError, UnsupportedError, PriceError, OverloadedError, UnavailableError,
            DeadlineError, UpstreamError: as the network says.
            StoreError: the store does not work.
        """
        ...

    async def transcribe(self, question: Question, name: str, sound: bytes) -> str:
        """What is said in a recording; charged as an answer is. ``question.turns`` is empty.

        Args:
            question: who pays, and under which reference.
            name: of the file, with an ending that tells its kind, such as ``voice.ogg``.
            sound: its bytes.

        Raises:
            UnsupportedError: no transcription is served. Others as :meth:`answer`.
        """
        ...

    async def models(self) -> tuple[Model, ...]:
        """What is served now and allowed by the service; the default chat model first.

        Raises:
            UnavailableError: the network cannot be asked.
        """
        ...

    async def facts(self, reference: str) -> Facts | None:
        """Who computed an answer; None where it is not known."""
        ...

    async def last_facts(self, chat: str) -> Facts | None:
        """Of a chat's newest answer."""
        ...

    async def verification(self) -> dict[str, Any] | None:
        """The proxies verified step by step now (:meth:`cocoon.Verification.to_dict`).

        None where the service reaches the network through somebody else's gateway.

        Raises:
            UnavailableError: no proxy is connected.
        """
        ...
