"""The JSON of the Mini App's API, as ``docs/reference/telegram-app-api.md`` lists it.

Money is in nanoTON, times are Unix seconds; both are integers below 2**53, which JavaScript's
numbers hold exactly.
"""

from typing import Any, Literal

import msgspec

Method = Literal["ton", "stars"]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body that the app sends; unknown members are refused."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A body that the app gets."""


class SessionRequest(Request, frozen=True, kw_only=True):
    """``POST session``.

    Attributes:
        init_data: ``Telegram.WebApp.initData`` as it came.
        nonce: 16 to 64 characters of ``A-Z a-z 0-9 _ -``, random, kept as long as the web view:
            the same initData is taken again only with the same nonce.
    """

    init_data: str
    nonce: str


class Message(Request, frozen=True, kw_only=True):
    """A message of a conversation.

    Attributes:
        images: data URLs of JPEG, PNG, WebP or GIF pictures, of the user's messages only.
    """

    role: Literal["user", "assistant"]
    content: str
    images: tuple[str, ...] = ()


class ChatRequest(Request, frozen=True, kw_only=True):
    """``POST chat``.

    Attributes:
        id: 22 to 64 characters of ``A-Z a-z 0-9 _ -``, random; names this answer for ever. A retry
            of the same question has the same id and is never charged twice.
        messages: the newest last; it is the user's.
        model, price_class, system: empty takes the service's.
        max_tokens: longest answer; the service's own limit is never exceeded.
    """

    id: str
    messages: tuple[Message, ...]
    model: str = ""
    price_class: str = ""
    system: str = ""
    max_tokens: int | None = None


class TopupRequest(Request, frozen=True, kw_only=True):
    """``POST topups``: ``nano`` for TON, ``stars`` for Stars."""

    method: Method
    nano: int = 0
    stars: int = 0


class Person(Answer, frozen=True, kw_only=True):
    """The user as Telegram names them; the names are not stored."""

    id: int
    first_name: str
    language: str


class SessionAnswer(Answer, frozen=True, kw_only=True):
    """``POST session``.

    Attributes:
        token: for ``Authorization: Bearer``.
        expires: when it ends.
        start_param: what the link that opened the app carried, or empty.
    """

    token: str
    expires: int
    user: Person
    start_param: str


class AppLimits(Answer, frozen=True, kw_only=True):
    """What ``POST chat`` takes.

    Attributes:
        prompt_chars: of one message, or of the system prompt.
        messages, images: of one conversation.
        image_bytes: of one picture, decoded.
        body_bytes: of one call.
        max_tokens: of one answer.
    """

    prompt_chars: int
    messages: int
    images: int
    image_bytes: int
    body_bytes: int
    max_tokens: int


class MeAnswer(Answer, frozen=True, kw_only=True):
    """``GET me``.

    Attributes:
        balance_nano: paid money that is free to use; what is held is not in it.
        free_left_nano, free_daily_nano: today's allowance.
        held_nano: reserved by running answers.
        price_class: the service's default; ``price_classes`` are the choices, the cheapest first.
        default_model: or empty, for the first of ``GET models``.
        language: that the user's Telegram speaks, as far as it is known.
        languages: that the bot speaks.
        ton, stars: what top-ups can be paid with.
        nano_per_star: what a Star buys; ``star_packs`` are offered.
        min_topup_nano, max_topup_nano: of a top-up with TON.
        notes: codes of what the app must say: ``stand_in``, ``blocked``.
    """

    balance_nano: int
    free_left_nano: int
    free_daily_nano: int
    held_nano: int
    price_class: str
    price_classes: tuple[str, ...]
    default_model: str
    language: str
    languages: tuple[str, ...]
    ton: bool
    stars: bool
    nano_per_star: int
    star_packs: tuple[int, ...]
    min_topup_nano: int
    max_topup_nano: int
    limits: AppLimits
    notes: tuple[str, ...]


class ModelAnswer(Answer, frozen=True, kw_only=True):
    """A member of ``GET models``.

    Attributes:
        context: tokens that fit in, 0 where nobody says.
        price_nano_per_million: what the user pays for a million adjusted tokens at the cheapest
            worker; null where it is not known.
        price_classes: those in which a worker serves it.
        simulated: whether a kind of evidence among ``evidence`` is simulated and proves nothing.
    """

    name: str
    title: str
    inputs: tuple[str, ...]
    context: int
    price_nano_per_million: int | None
    price_classes: tuple[str, ...]
    workers: int
    free_workers: int
    evidence: tuple[str, ...]
    simulated: bool
    default: bool


class ModelsAnswer(Answer, frozen=True, kw_only=True):
    """``GET models``: chat models, the default first."""

    models: tuple[ModelAnswer, ...]


class DeltaEvent(Answer, frozen=True, kw_only=True):
    """``event: delta``: a further piece of the answer."""

    text: str


class FactsAnswer(Answer, frozen=True, kw_only=True):
    """``event: done`` and ``GET answers/{id}``: who computed an answer, and what it cost.

    Attributes:
        id: of the question.
        finish: ``stop``, ``length``, ``stopped``, ``error``.
        charged_nano: what the user paid, allowance included; ``cost_nano`` is the network's.
        first_seconds: until the first piece; null without one.
        proxy: ``image``, ``evidence``, ``address``; empty where it is not known.
        worker: ``image``, ``evidence``, ``owner``, as the proxy verified it; null: not known.
        sealed: whether the request was encrypted to the worker, unreadable for proxy and server.
        receipt: signed by the worker; null where the network has none.
        notes: codes of what was not checked, as in ``GET trust``.
    """

    id: str
    at: int
    model: str
    finish: str
    cost_nano: int
    charged_nano: int
    is_estimate: bool
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    first_seconds: float | None
    proxy: dict[str, str]
    worker: dict[str, str] | None
    sealed: bool
    receipt: dict[str, Any] | None
    notes: tuple[str, ...]


class TrustAnswer(Answer, frozen=True, kw_only=True):
    """``GET trust``: what was verified just now, and what was not.

    Attributes:
        verified: whether the server itself verified every proxy that it is connected to.
        simulated: whether simulated hardware, which protects nothing, is accepted anywhere.
        verification: of ``cocoon.Verification.to_dict()`` ``proxies`` (each with ``claims`` and
            ``steps``) and ``workers``; null where there is none.
        server_reads: whether the service's server can read requests and answers; true until sealed
            requests exist.
        sealed: whether requests are encrypted to the worker.
        receipts: whether answers come with receipts.
        not_checked: codes, see the page.
    """

    verified: bool
    simulated: bool
    verification: dict[str, Any] | None
    server_reads: bool
    sealed: bool
    receipts: bool
    not_checked: tuple[str, ...]


class UsageDay(Answer, frozen=True, kw_only=True):
    """One UTC day, ``YYYY-MM-DD``."""

    day: str
    answers: int
    free_nano: int
    paid_nano: int
    topped_up_nano: int


class UsageAnswer(Answer, frozen=True, kw_only=True):
    """``GET usage``: every day asked for, the oldest first."""

    days: tuple[UsageDay, ...]


class TonTransfer(Answer, frozen=True, kw_only=True):
    """What TON Connect's ``sendTransaction`` needs.

    Attributes:
        address: friendly form.
        amount: nanoTON, decimal.
        payload: base64 of the BoC with the comment; ``comment`` is its text, for other wallets.
        valid_until: of the request.
        network: TON Connect's network id: ``-239`` mainnet, ``-3`` testnet.
    """

    address: str
    amount: str
    payload: str
    comment: str
    valid_until: int
    network: str


class TopupAnswer(Answer, frozen=True, kw_only=True):
    """``POST topups``, ``GET topups/{id}`` and refunds.

    Attributes:
        state: ``open``, ``paid``, ``refunding``, ``refunded``.
        nano: what is credited; with TON, what arrived counts.
        refundable: whether ``POST topups/{id}/refund`` would be taken now.
        ton, invoice_link: how to pay, only in the answer to ``POST topups``.
    """

    id: str
    method: Method
    state: str
    nano: int
    stars: int
    created: int
    refundable: bool
    ton: TonTransfer | None = None
    invoice_link: str | None = None


class TopupsAnswer(Answer, frozen=True, kw_only=True):
    """``GET topups``: the newest first."""

    topups: tuple[TopupAnswer, ...]


class ErrorBody(Answer, frozen=True, kw_only=True):
    """What went wrong.

    Attributes:
        code: stable, for programs and for the app's texts.
        message: English, for people; never content.
        action: ``login``, ``reopen``, ``topup``, ``wait``, ``retry``, ``change``, or null.
        retry_after: seconds, where waiting helps.
        missing_nano: with ``insufficient_funds``, where it is known.
    """

    code: str
    message: str
    action: str | None = None
    retry_after: int | None = None
    missing_nano: int | None = None


class ErrorAnswer(Answer, frozen=True, kw_only=True):
    """Any answer with a status from 400 on; ``event: error`` has the inner object alone."""

    error: ErrorBody


class ConfigAnswer(Answer, frozen=True, kw_only=True):
    """``GET /app/config.json``, without a session.

    Attributes:
        title: of the service.
        bot_id: Telegram's id of the bot.
        stand_in: whether Telegram is a stand-in here; the app then says so.
        stand_in_wallet: a script with a wallet for tests; null in production.
        ton_network: TON Connect's network id.
    """

    title: str
    bot_id: int
    stand_in: bool
    stand_in_wallet: str | None
    ton_network: str
