"""What the server of a Telegram service is given by the service."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Event
from cocoon.telegram.settings import TelegramSettings

if TYPE_CHECKING:
    from cocoon.telegram.accounts import Accounts, Topup


class Closable(Protocol):
    """An answer that is being given; closing it stops the worker."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    async def aclose(self) -> None:
        """Stop; returns when the answer is settled."""
        ...


class TopupDesk(Protocol):
    """Top-ups as the Mini App starts them; the service joins TON and Stars behind it."""

    @property
    def ton(self) -> bool:
        """Whether TON is taken."""
        ...

    @property
    def stars(self) -> bool:
        """Whether Stars are taken."""
        ...

    def transfer(self, topup: "Topup") -> Mapping[str, Any]:
        """What a wallet needs: the members of :class:`cocoon.telegram.web.shapes.TonTransfer`."""
        ...

    async def invoice_link(self, topup: "Topup", language: str) -> str:
        """Telegram's link of an invoice over Stars (``createInvoiceLink``).

        Raises:
            UnavailableError: Telegram does not answer.
        """
        ...

    async def refund(self, user: int, topup: str) -> None:
        """Give the Stars of a top-up back (``refundStarPayment``), once.

        Raises:
            BadRequestError: it is not the user's, not paid with Stars, or refunded already.
            InsufficientFundsError: what it brought was spent.
            UnavailableError: Telegram does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where updates go that Telegram posts.

    Attributes:
        secret: ``X-Telegram-Bot-Api-Secret-Token`` of every call.
        take: keeps one update (its JSON bytes); returns once it is kept. ``BadRequestError``: it is
            none, and sending it again changes nothing; other ``CocoonError``: Telegram is asked to
            send it again.
    """

    secret: str = field(repr=False)
    take: Callable[[bytes], Awaitable[None]]


OperatorFacts = Callable[[], Mapping[str, str | int | float]]
"""What else an operator should see of the service: names and values, without content or users."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDeps:
    """What the server needs.

    Attributes:
        settings: of the service.
        assistant: answers.
        accounts: users and money.
        forget: erases what is kept about a user, ledger and balance aside.
        topups: starts and refunds top-ups; None where nothing is sold.
        languages: that the bot speaks, such as ``("en", "ru")``.
        webhook: takes updates; None where the service asks for them itself.
        operator: more facts for the operators' page, which shows accounts by itself.
        healthy: whether the service works, for ``/healthz``.
        metrics: text for ``/metrics``, which only this machine may read; None: no such path.
        ton_network: TON Connect's network id, ``-239`` for mainnet.
        clock: Unix seconds.
    """

    settings: TelegramSettings
    assistant: Assistant
    accounts: "Accounts"
    forget: Callable[[int], Awaitable[None]]
    topups: TopupDesk | None = None
    languages: tuple[str, ...] = ("en",)
    webhook: Webhook | None = None
    operator: OperatorFacts | None = None
    healthy: Callable[[], bool] = lambda: True
    metrics: Callable[[], bytes] | None = None
    ton_network: str = "-239"
    clock: Callable[[], float] = time.time
