"""What is asked, and what comes back while it is answered."""

from dataclasses import dataclass, field
from typing import Any, Literal

from cocoon.accounting import Nano

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; its text never shows in ``repr``.

    Attributes:
        role: whose it is.
        text: what was written.
        images: data URLs of pictures that go with it (``data:image/jpeg;base64,…``).
    """

    role: Role
    text: str = field(repr=False)
    images: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request for an answer.

    Attributes:
        user: Telegram's id of who pays.
        reference: names the answer for ever; it is charged at most once, however often it is asked
            (``chat:-100…/7:4711`` for a message, ``app:…`` with the Mini App's random id).
        chat: the chat that it belongs to, for :meth:`Assistant.facts`.
        turns: the conversation, the newest last; without the system prompt.
        model: name of a model; empty takes the service's default.
        system: the system prompt; empty for none.
        max_coefficient: dearest worker that is accepted, × 1000; None for no such limit.
        max_tokens: longest answer in tokens; None for the service's default.
    """

    user: int
    reference: str
    chat: str
    turns: tuple[Turn, ...]
    model: str = ""
    system: str = field(default="", repr=False)
    max_coefficient: int | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A further piece of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Who computed an answer and what was checked; holds no content.

    Attributes:
        reference: of the question.
        at: Unix seconds.
        model: that was asked.
        finish: why it ended: ``stop``, ``length``, ``stopped`` by the user, ``error``.
        cost: nanoTON that the network charged.
        charged: nanoTON that the user paid, the free allowance included.
        is_estimate: whether the cost was not told and is our own count.
        prompt_tokens, completion_tokens: adjusted tokens.
        seconds: how long it took; ``first`` until the first piece, if there was one.
        proxy: ``image``, ``evidence``, ``address`` of the proxy; empty where it is not known.
        worker: ``image``, ``evidence``, ``owner`` of the worker, as the proxy verified it.
        sealed: whether the request was encrypted end to end to the worker. The network has no such
            requests yet, so this is False.
        receipt: a receipt signed by the worker, where the network has them; None today.
    """

    reference: str
    at: int
    model: str
    finish: str
    cost: int
    charged: int
    is_estimate: bool
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    first: float | None
    proxy: dict[str, str]
    worker: dict[str, str] | None
    sealed: bool = False
    receipt: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer has ended; nothing comes after it."""

    facts: Facts


Event = Delta | Finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is served now.

    Attributes:
        name: as questions name it.
        title: for people.
        inputs: of ``text``, ``image``, ``audio``.
        endpoints: what it is for: ``chat``, ``transcription``, ``embeddings``.
        context: tokens that fit in, 0 where nobody says.
        price: nanoTON that users pay for a million adjusted tokens at the cheapest worker.
        coefficients: of its workers, × 1000, the cheapest first.
        workers, free_workers: how many serve it, and how many of them have room now.
        evidence: kinds of the workers' evidence, such as ``tdx``; a kind that names itself
            simulated or fake protects nothing.
    """

    name: str
    title: str
    inputs: frozenset[str]
    endpoints: frozenset[str]
    context: int
    price: Nano | None
    coefficients: tuple[int, ...]
    workers: int
    free_workers: int
    evidence: frozenset[str]
