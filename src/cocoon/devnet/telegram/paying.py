"""Invoices, checkouts and pretend Stars.

Sources: https://core.telegram.org/bots/payments-stars, https://core.telegram.org/bots/api#payments:
a pre-checkout query must be answered within 10 seconds.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.limits import PRE_CHECKOUT_TIME
from cocoon.devnet.telegram.messages import add_message
from cocoon.devnet.telegram.values import Account
from cocoon.devnet.telegram.views import Shown
from cocoon.devnet.telegram.world import Query, World
from cocoon.errors import PaymentError


class PaymentRefusedError(PaymentError):
    """A payment did not happen; the text is what the person is shown."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What can be paid.

    Attributes:
        link: its address, empty for invoices in messages.
        chat: where it stands, and it can be paid once; ``None`` for links, which can be paid again.
    """

    id: str
    link: str
    chat: int | None
    title: str = field(repr=False)
    description: str = field(repr=False)
    payload: str = field(repr=False)
    currency: str
    total: int


@dataclass(slots=True)
class Paid:
    """A payment that happened.

    Attributes:
        charge: ``telegram_payment_charge_id``, for refunds.
        invoice: the invoice's id.
        stars: how many.
        at: seconds since 1970.
    """

    charge: str
    invoice: str
    person: int
    stars: int
    payload: str = field(repr=False)
    at: int
    refunded_at: int | None = None


async def pay(world: World, account: Account, invoice: Shown | str, timeout: float) -> Paid:
    """See :meth:`cocoon.devnet.telegram.people.Person.pay`."""
    bill = find_invoice(world, invoice)
    if bill.chat is not None and any(paid.invoice == bill.id for paid in world.payments.values()):
        raise PaymentRefusedError("paid already")
    if account.stars < bill.total:
        raise PaymentRefusedError("too few Stars")
    account.stars -= bill.total
    try:
        await _check_out(world, account, bill, timeout)
    except BaseException:
        account.stars += bill.total
        raise
    return _complete(world, account, bill)


def find_invoice(world: World, invoice: Shown | str) -> Invoice:
    """The invoice of a message or link.

    Raises:
        LookupError: there is none.
    """
    key = invoice if isinstance(invoice, str) else f"{invoice.chat_id}/{invoice.id}"
    found = world.invoices.get(key)
    if found is None:
        raise LookupError("no such invoice")
    return found


async def _check_out(world: World, account: Account, bill: Invoice, timeout: float) -> None:
    number = world.token("checkout")
    content: Json = {
        "id": number,
        "from": account.user(),
        "currency": bill.currency,
        "total_amount": bill.total,
        "invoice_payload": bill.payload,
    }
    expires = world.clock.time() + PRE_CHECKOUT_TIME
    query = Query(number, account.id, expires, content)
    world.ask(world.checkouts, query, "pre_checkout_query")
    answer = await _answer_in_time(world, query, timeout)
    if not answer.get("ok"):
        raise PaymentRefusedError(str(answer.get("error_message", "")))


async def _answer_in_time(world: World, query: Query, timeout: float) -> Json:
    over = asyncio.ensure_future(world.clock.until(query.expires))
    answered = asyncio.ensure_future(
        world.until(lambda: query.answer, timeout, "the answer to the checkout")
    )
    try:
        await asyncio.wait({over, answered}, return_when=asyncio.FIRST_COMPLETED)
        if query.answer is None and over.done():
            raise PaymentRefusedError("the bot did not answer within 10 seconds")
        return await answered
    finally:
        for task in (over, answered):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await task


def refund(world: World, paid: Paid) -> None:
    """Gives the Stars back and tells the bot: what ``refundStarPayment`` and disputes do."""
    paid.refunded_at = world.now()
    account = world.accounts[paid.person]
    account.stars += paid.stars
    refunded: Json = {
        "currency": "XTR",
        "total_amount": paid.stars,
        "invoice_payload": paid.payload,
        "telegram_payment_charge_id": paid.charge,
        "provider_payment_charge_id": paid.charge,
    }
    chat = world.chats[paid.person]
    message = add_message(world, chat, account.user(), {"refunded_payment": refunded})
    world.updates.put("message", dict(message))


def _complete(world: World, account: Account, bill: Invoice) -> Paid:
    charge = world.token("standin-charge-")
    paid = Paid(charge, bill.id, account.id, bill.total, bill.payload, world.now())
    world.payments[charge] = paid
    chat = world.chats[bill.chat if bill.chat is not None else account.id]
    successful: Json = {
        "currency": bill.currency,
        "total_amount": bill.total,
        "invoice_payload": bill.payload,
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": charge,
    }
    content = {"successful_payment": successful}
    message = add_message(world, chat, account.user(), content)
    world.updates.put("message", dict(message))
    world.changed("paid", chat.id, {"charge": charge, "link": bill.link, "stars": bill.total})
    return paid
