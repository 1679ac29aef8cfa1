"""Telegram Stars: what they are worth, which payments are accepted, how they are given back.

The calls of the Bot API are made by the bot. Pages: https://core.telegram.org/bots/payments-stars
and ``sendInvoice``, ``answerPreCheckoutQuery``, ``refundStarPayment``, ``getStarTransactions`` of
https://core.telegram.org/bots/api.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from cocoon.accounting import Nano
from cocoon.errors import BadRequestError, UnavailableError
from cocoon.telegram.accounts import Accounts
from cocoon.telegram.accounts.values import Topup

STARS_CURRENCY = "XTR"
MAX_STARS = 100_000
"""Of one top-up; Telegram's own limit for a price in Stars (Bot API, ``LabeledPrice``)."""

GiveBack = Callable[[int, str], Awaitable[bool]]
"""Asks Telegram to give a charge (user, charge id) back. True: it did, or had before. False: it
refuses for good. ``UnavailableError``: nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StarPayment:
    """A payment as ``successful_payment`` or ``getStarTransactions`` tell of it.

    Attributes:
        user: who paid.
        payload: of the invoice: the id of a top-up.
        charge_id: ``telegram_payment_charge_id``.
        stars: ``total_amount``.
        is_refund: whether it tells that the payment was given back.
    """

    user: int
    payload: str
    charge_id: str = field(repr=False)
    stars: int
    is_refund: bool = False


def worth(stars: int, nano_per_star: int) -> Nano:
    """What so many Stars bring.

    Args:
        stars: 1…100,000.
        nano_per_star: price, at least 1.

    Raises:
        BadRequestError: Stars are not taken, or not so many.
    """
    if nano_per_star <= 0:
        raise BadRequestError("this service takes no Stars")
    if not 1 <= stars <= MAX_STARS:
        raise BadRequestError(f"a top-up has 1 to {MAX_STARS} Stars")
    return Nano(stars * nano_per_star)


def decide(topup: Topup | None, user: int, currency: str, total: int) -> str | None:
    """Whether to accept a payment that Telegram asks about (``pre_checkout_query``).

    Args:
        topup: that the payload names.
        user: who is about to pay.
        currency: of the query.
        total: ``total_amount``.

    Returns:
        None to accept, else why not: ``unknown``, ``not_yours``, ``paid`` already, ``changed``.
    """
    if topup is None or topup.method != "stars":
        return "unknown"
    if topup.user != user:
        return "not_yours"
    if topup.state != "open":
        return "paid"
    if currency != STARS_CURRENCY or total != topup.stars:
        return "changed"
    return None


async def paid(accounts: Accounts, payment: StarPayment, nano_per_star: int) -> Topup | None:
    """Credit a payment once; see :meth:`Accounts.stars_paid`.

    Args:
        accounts: where to.
        payment: what Telegram tells.
        nano_per_star: today's price; used only where the payment fits no top-up of the payer.

    Raises:
        BadRequestError: not what Telegram tells of payments.
        StoreError: the store does not work; calling again is safe.
    """
    if not 0 < payment.stars <= _MOST:
        raise BadRequestError("a payment of no Stars, or of more than exist")
    nano = Nano(payment.stars * max(0, nano_per_star))
    return await accounts.stars_paid(
        payment.user, payment.payload, payment.charge_id, payment.stars, nano
    )


_MOST = 10**9


async def refund(accounts: Accounts, user: int, topup: str, give_back: GiveBack) -> Topup:
    """Give the Stars of one top-up back, all of them, if what they brought is not spent.

    The money leaves the balance before Telegram is asked, so it cannot be spent meanwhile. Where
    nobody knows what Telegram did the top-up stays ``refunding``, and :func:`resume_refunds` asks
    again; Telegram itself gives a charge back only once.

    Returns:
        The top-up as it is then.

    Raises:
        BadRequestError: not the user's, not paid with Stars, refunded already, or Telegram refuses.
        InsufficientFundsError: what it brought is spent or held.
        UnavailableError: Telegram does not answer; it will be asked again.
        StoreError: the store does not work; calling again is safe.
    """
    begun = await accounts.begin_refund(user, topup)
    if not await _ask(accounts, begun, give_back):
        raise BadRequestError("Telegram does not give this payment back")
    return await accounts.topup(topup) or begun


async def resume_refunds(accounts: Accounts, give_back: GiveBack) -> int:
    """Ask about refunds that were begun and not finished; how many are finished now.

    Raises:
        UnavailableError: Telegram does not answer about one of them; the others were asked about.
        StoreError: the store does not work.
    """
    done, unknown = 0, None
    for topup in await accounts.refunding():
        try:
            done += await _ask(accounts, topup, give_back)
        except UnavailableError as error:
            unknown = error
    if unknown is not None:
        raise unknown
    return done


async def reconcile(
    accounts: Accounts, payments: Iterable[StarPayment], nano_per_star: int
) -> list[Topup]:
    """Book what ``getStarTransactions`` lists and we do not have: updates that were lost.

    Returns:
        The top-ups that changed.

    Raises:
        StoreError: the store does not work; calling again is safe.
    """
    changed = []
    for payment in payments:
        try:
            if payment.is_refund:
                topup = await accounts.refunded_by_telegram(payment.charge_id)
            else:
                topup = await paid(accounts, payment, nano_per_star)
        except BadRequestError:
            await accounts.count_failure("payment_malformed")
            continue
        if topup is not None:
            changed.append(topup)
    return changed


async def _ask(accounts: Accounts, topup: Topup, give_back: GiveBack) -> bool:
    given = await give_back(topup.user, topup.charge_id or "")
    if given:
        await accounts.finish_refund(topup.id)
    else:
        await accounts.fail_refund(topup.id)
    return given
