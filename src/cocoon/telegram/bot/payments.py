"""Money: balance, usage, top-ups with Stars and TON, refunds, the ledger as a file.

https://core.telegram.org/bots/payments-stars. What Telegram tells of payments is booked once, by
the charge's id; what it asks before is answered within its 10 seconds or refused.
"""

from functools import partial

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, LabeledPrice, Message, PreCheckoutQuery

from cocoon.errors import (
    BadRequestError,
    CocoonError,
    InsufficientFundsError,
    UnavailableError,
)
from cocoon.telegram.accounts import Topup
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import plain
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import MONEY, app_button, button, keyboard, link, private_link
from cocoon.telegram.bot.money import balance_page, export, usage_page
from cocoon.telegram.bot.pages import answer, show
from cocoon.telegram.bot.refunding import give_back
from cocoon.telegram.payments import STARS_CURRENCY, StarPayment, decide, paid, refund, worth

MAX_REQUEST_CHARS = 1500
"""Of what somebody writes to the operator."""
SHOWN_PAYMENTS = 5


def router(deps: BotDeps) -> Router:
    """Handlers of everything about money."""
    routes = Router(name="payments")
    _pages(routes, deps)
    _stars(routes, deps)
    _support(routes, deps)
    return routes


async def keep_private(deps: BotDeps, here: Here) -> bool:
    """In groups: say that money is spoken about in private. Whether that was said."""
    if here.where.is_private:
        return False
    text = here.words("money.private")
    url = private_link(deps.me.username or "", "topup")
    buttons = keyboard([[link(here.words("money.open_private"), url)]])
    await deps.delivery.send(here.where, text, buttons)
    return True


def _pages(routes: Router, deps: BotDeps) -> None:
    pages = {"balance": balance_page, "usage": usage_page, "topup": show_topup, "export": export}

    @routes.message(Command(*pages), ~F.via_bot)
    async def commanded(_: Message, here: Here, command: CommandObject) -> None:
        """`/balance`, `/usage`, `/topup`, `/export`."""
        if not await keep_private(deps, here):
            await pages[command.command.lower()](deps, here)

    @routes.callback_query(F.data.startswith(f"{MONEY}:"), F.message.chat.type == "private")
    async def pressed(query: CallbackQuery, here: Here) -> None:
        """A button: ``pay:PAGE`` shows a page, ``pay:ACTION:VALUE`` does something."""
        _, page, value = [*(query.data or "").split(":", 2), "", ""][:3]
        if page in _ACTIONS:
            await _ACTIONS[page](deps, here, query, value)
        else:
            await pages.get(page, show_topup)(deps, here, query)


async def show_topup(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Packs of Stars, and TON through the Mini App."""
    words, money = here.words, deps.settings.money
    rows = []
    if money.nano_per_star > 0:
        for stars in money.star_packs:
            amount = ton(worth(stars, money.nano_per_star))
            label = words("topup.button_stars", stars=stars, amount=amount)
            rows.append([button(label, f"{MONEY}:stars:{stars}")])
    if money.wallet is not None and deps.settings.app.url is not None:
        url = f"{deps.settings.app.url}/app/?screen=topup"
        rows.append([app_button(words("topup.button_ton"), url)])
    account = await deps.accounts.account(here.user)
    text = words("topup.page" if rows else "topup.none", balance=ton(account.balance))
    if not rows:
        text = words("topup.none")
    rows.append([button(words("money.button_balance"), f"{MONEY}:balance")])
    await show(deps, here, text, keyboard(rows), pressed=query)


async def _invoice(deps: BotDeps, here: Here, query: CallbackQuery, pack: str) -> None:
    """Send an invoice for a pack that is offered."""
    words, money = here.words, deps.settings.money
    stars = int(pack) if pack.isascii() and pack.isdigit() and len(pack) < 7 else 0
    if stars not in money.star_packs or money.nano_per_star <= 0:
        await answer(query, words("errors.old_button"), is_alert=True)
        return
    topup = await deps.accounts.new_topup(
        here.user, "stars", worth(stars, money.nano_per_star), stars
    )
    await answer(query)
    await deps.bot.send_invoice(
        here.where.chat,
        title=words("payments.invoice_title"),
        description=words("payments.invoice_text", ton=ton(topup.nano)),
        payload=topup.id,
        currency=STARS_CURRENCY,
        prices=[LabeledPrice(label=words("payments.invoice_title"), amount=topup.stars)],
        message_thread_id=here.where.topic,
    )


def _stars(routes: Router, deps: BotDeps) -> None:
    @routes.pre_checkout_query()
    async def may_pay(query: PreCheckoutQuery, here: Here) -> None:
        """Telegram asks before it takes the Stars."""
        try:
            topup = await deps.accounts.topup(query.invoice_payload)
            reason = decide(topup, query.from_user.id, query.currency, query.total_amount)
        except CocoonError:
            reason = "later"
        if reason is None:
            await query.answer(ok=True)
        else:
            await query.answer(ok=False, error_message=here.words(f"payments.no_{reason}"))

    @routes.message(F.successful_payment)
    async def was_paid(message: Message, here: Here) -> None:
        """Stars have arrived."""
        told = message.successful_payment
        if told is None or told.currency != STARS_CURRENCY:
            return
        payment = StarPayment(
            user=here.user,
            payload=told.invoice_payload,
            charge_id=told.telegram_payment_charge_id,
            stars=told.total_amount,
        )
        topup = await paid(deps.accounts, payment, deps.settings.money.nano_per_star)
        if topup is None:
            return  # booked before
        account = await deps.accounts.account(here.user)
        words = here.words
        text = words("payments.thanks", amount=ton(topup.received), balance=ton(account.balance))
        await deps.delivery.send(here.where, text)

    @routes.message(F.refunded_payment)
    async def was_refunded(message: Message, here: Here) -> None:
        """Stars went back, whoever asked for it."""
        told = message.refunded_payment
        if told is None or told.currency != STARS_CURRENCY:
            return
        topup = await deps.accounts.refunded_by_telegram(told.telegram_payment_charge_id)
        if topup is not None:
            text = here.words("payments.refunded", stars=topup.stars)
            await deps.delivery.send(here.where, text)


def _support(routes: Router, deps: BotDeps) -> None:
    @routes.message(Command("paysupport", "support"), ~F.via_bot)
    async def paysupport(_: Message, here: Here, command: CommandObject) -> None:
        """`/paysupport`, which Telegram demands; with words they go to the operator."""
        if await keep_private(deps, here):
            return
        if command.args and deps.settings.bot.admins:
            await _tell_operator(deps, here, command.args)
        else:
            await _support_page(deps, here)


async def _support_page(deps: BotDeps, here: Here) -> None:
    words = here.words
    rows = []
    for topup in await refundable(deps, here.user):
        label = words("support.button", stars=topup.stars, amount=ton(topup.received))
        rows.append([button(label, f"{MONEY}:refund:{topup.id}")])
    parts = [words("support.page"), words("support.refunds" if rows else "support.no_refunds")]
    if deps.settings.bot.admins:
        parts.append(words("support.operator"))
    await show(deps, here, "\n\n".join(parts), keyboard(rows))


async def refundable(deps: BotDeps, user: int) -> list[Topup]:
    """Payments with Stars that may be given back if they are not spent, the newest first."""
    topups = await deps.accounts.topups(user)
    found = [each for each in topups if each.method == "stars" and each.state == "paid"]
    return found[:SHOWN_PAYMENTS]


async def _ask_refund(deps: BotDeps, here: Here, query: CallbackQuery, topup: str) -> None:
    words = here.words
    found = next((t for t in await refundable(deps, here.user) if t.id == topup), None)
    if found is None:
        await answer(query, words("errors.old_button"), is_alert=True)
        return
    text = words("support.sure", stars=found.stars, amount=ton(found.received))
    rows = [
        [button(words("support.yes", stars=found.stars), f"{MONEY}:refund!:{topup}")],
        [button(words("support.no"), f"{MONEY}:balance")],
    ]
    await show(deps, here, text, keyboard(rows), pressed=query)


async def _refund(deps: BotDeps, here: Here, query: CallbackQuery, topup: str) -> None:
    try:
        given = await refund(deps.accounts, here.user, topup, partial(give_back, deps.bot))
        text = here.words("payments.refunded", stars=given.stars)
    except InsufficientFundsError:
        text = here.words("support.spent")
    except BadRequestError:
        text = here.words("support.refused")
    except UnavailableError:
        text = here.words("support.later")
    await show(deps, here, text, pressed=query)


_ACTIONS = {"stars": _invoice, "refund": _ask_refund, "refund!": _refund}


async def _tell_operator(deps: BotDeps, here: Here, text: str) -> None:
    """What somebody wrote to the operator, on purpose, with who it was."""
    said = plain(text[:MAX_REQUEST_CHARS])
    told = False
    for admin in sorted(deps.settings.bot.admins):
        words = deps.texts.words()
        request = words("support.request", user=here.user, text=said)
        told = bool(await deps.delivery.send(Where(admin), request)) or told
    await deps.delivery.send(here.where, here.words("support.sent" if told else "support.not_sent"))
