"""Invoices, refunds and the list of payments in Stars.

Sources: https://core.telegram.org/bots/api#sendinvoice, #createinvoicelink, #refundstarpayment,
#getstartransactions, https://core.telegram.org/bots/payments-stars.
"""

from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request, not_implemented
from cocoon.devnet.telegram.keyboards import read_keyboard
from cocoon.devnet.telegram.methods.sending import send
from cocoon.devnet.telegram.paying import Invoice, Paid, refund
from cocoon.devnet.telegram.world import World

MAX_TITLE, MAX_DESCRIPTION, MAX_PAYLOAD = 32, 255, 128
MAX_STARS = 100_000
"""Stars of one invoice (https://core.telegram.org/api/stars: ``stars_paid_..._max`` differ; this is
the largest that is published)."""
MAX_TRANSACTIONS = 100


def _read_invoice(world: World, arguments: Json, link: str, chat: int | None) -> Invoice:
    title, description = arguments["title"], arguments["description"]
    if not 1 <= len(title) <= MAX_TITLE:
        raise bad_request("INVOICE_TITLE_INVALID")
    if not 1 <= len(description) <= MAX_DESCRIPTION:
        raise bad_request("INVOICE_DESCRIPTION_INVALID")
    if not 1 <= len(arguments["payload"].encode()) <= MAX_PAYLOAD:
        raise bad_request("INVOICE_PAYLOAD_INVALID")
    if arguments["currency"] != "XTR":
        raise not_implemented("payments in other currencies than Telegram Stars (XTR)")
    if arguments.get("provider_token"):
        raise bad_request("STARS_INVOICE_INVALID")
    total = _price(arguments["prices"])
    return Invoice(
        world.token("invoice"),
        link,
        chat,
        title,
        description,
        arguments["payload"],
        "XTR",
        total,
    )


def _price(prices: list[Any]) -> int:
    if len(prices) != 1 or not isinstance(prices[0], dict):
        raise bad_request("STARS_INVOICE_INVALID")
    label, amount = prices[0].get("label"), prices[0].get("amount")
    if not isinstance(label, str) or not label:
        raise bad_request("can't parse prices JSON object: label must be non-empty")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 1 <= amount <= MAX_STARS:
        raise bad_request("CURRENCY_TOTAL_AMOUNT_INVALID")
    return amount


def send_invoice(world: World, arguments: Json) -> Json:
    """``sendInvoice``."""
    chat = world.chat_for_bot(arguments["chat_id"])
    bill = _read_invoice(world, arguments, "", chat.id)
    keyboard = read_keyboard(arguments.get("reply_markup"), private=not chat.is_group)
    if keyboard is None:
        pay = {"text": f"Pay ⭐️{bill.total}", "pay": True}
        arguments = arguments | {"reply_markup": {"inline_keyboard": [[pay]]}}
    elif not keyboard["inline_keyboard"][0][0].get("pay"):
        raise bad_request("the first button of an invoice must be a Pay button")
    content: Json = {
        "invoice": {
            "title": bill.title,
            "description": bill.description,
            "start_parameter": "",
            "currency": bill.currency,
            "total_amount": bill.total,
        }
    }
    message = send(world, chat, arguments, content)
    world.invoices[f"{chat.id}/{message['message_id']}"] = bill
    return message


def create_invoice_link(world: World, arguments: Json) -> str:
    """``createInvoiceLink``."""
    link = f"https://t.me/${world.token('standin-')}"
    world.invoices[link] = _read_invoice(world, arguments, link, None)
    return link


def refund_star_payment(world: World, arguments: Json) -> bool:
    """``refundStarPayment``."""
    paid = world.payments.get(arguments["telegram_payment_charge_id"])
    if paid is None or paid.person != arguments["user_id"]:
        raise bad_request("CHARGE_NOT_FOUND")
    if paid.refunded_at is not None:
        raise bad_request("CHARGE_ALREADY_REFUNDED")
    refund(world, paid)
    return True


def get_star_transactions(world: World, arguments: Json) -> Json:
    """``getStarTransactions``: oldest first."""
    found = []
    for paid in world.payments.values():
        found.append(_transaction(world, paid, "source", paid.at))
        if paid.refunded_at is not None:
            found.append(_transaction(world, paid, "receiver", paid.refunded_at))
    offset = max(0, arguments.get("offset", 0))
    limit = min(MAX_TRANSACTIONS, max(1, arguments.get("limit", MAX_TRANSACTIONS)))
    return {"transactions": found[offset : offset + limit]}


def _transaction(world: World, paid: Paid, side: str, at: int) -> Json:
    partner: Json = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": world.accounts[paid.person].user(),
        "invoice_payload": paid.payload,
    }
    return {"id": paid.charge, "amount": paid.stars, "date": at, side: partner}


def get_my_star_balance(world: World, _: Json) -> Json:
    """``getMyStarBalance``."""
    kept = [paid.stars for paid in world.payments.values() if paid.refunded_at is None]
    return {"amount": sum(kept)}
