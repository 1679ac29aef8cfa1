"""/privacy: what was verified for this chat, what was not, and what is kept; in plain words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from cocoon.accounting import Nano
from cocoon.errors import CocoonError
from cocoon.telegram.assistant.values import Facts
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import plain
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import MONEY, PRIVACY, button, keyboard
from cocoon.telegram.bot.pages import answer, show
from cocoon.telegram.bot.payments import keep_private

MAX_PROXIES = 3
"""Proxies whose details fit one message."""
_PRETENDED = ("simulated", "fake", "test", "none")


def router(deps: BotDeps) -> Router:
    """Handlers of /privacy, of its buttons, and of /forget."""
    routes = Router(name="privacy")

    @routes.message(Command("privacy"), ~F.via_bot)
    async def privacy(_: Message, here: Here) -> None:
        """`/privacy`."""
        await main_page(deps, here)

    @routes.message(Command("forget"), ~F.via_bot)
    async def forget(_: Message, here: Here) -> None:
        """`/forget`."""
        if not await keep_private(deps, here):
            await forget_page(deps, here)

    @routes.callback_query(F.data.regexp(rf"^{PRIVACY}(:|$)"), F.message)
    async def pressed(query: CallbackQuery, here: Here) -> None:
        """A button of these pages."""
        page = (query.data or "").partition(":")[2]
        if page == "details":
            await details_page(deps, here, query)
        elif page == "receipt":
            await receipt_page(deps, here, query)
        elif page == "forget":
            await forget_page(deps, here, query)
        elif page == "forget!" and here.where.is_private:
            await deps.forget(here.user)
            await show(deps, here, here.words("forget.done"), pressed=query)
        else:
            await main_page(deps, here, query)

    return routes


async def verification(deps: BotDeps) -> tuple[Mapping[str, Any] | None, str]:
    """The proxies verified now, and a word: ``verified``, ``failed``, ``unknown``, ``gateway``."""
    try:
        found = await deps.assistant.verification()
    except CocoonError:
        return None, "unknown"
    if found is None:
        return None, "gateway"
    return found, "verified" if found.get("verified") else "failed"


async def main_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Who can read what, what was checked, what is kept."""
    words = here.words
    found, state = await verification(deps)
    facts = await deps.assistant.last_facts(here.chat)
    parts = [words("privacy.title"), words(f"privacy.{state}")]
    if is_simulated(found, facts):
        parts.append(words("privacy.simulated"))
    parts.append(_last(here, facts))
    parts.append(words("privacy.who_reads"))
    parts.append(
        words(
            "privacy.kept",
            count=await deps.history.count(here.chat),
            limit=deps.history.limit,
            days=deps.settings.limits.history_days,
        )
    )
    rows = (
        [button(words("privacy.button_details"), f"{PRIVACY}:details")] if found else [],
        [button(words("privacy.button_receipt"), f"{PRIVACY}:receipt")] if facts else [],
        [button(words("privacy.button_forget"), f"{PRIVACY}:forget")]
        if here.where.is_private
        else [],
    )
    await show(deps, here, "\n\n".join(parts), keyboard(rows), pressed=query)


async def details_page(deps: BotDeps, here: Here, query: CallbackQuery) -> None:
    """The attestation: each proxy, its image and every step that was checked."""
    words = here.words
    found, state = await verification(deps)
    parts = [words("details.title"), words(f"privacy.{state}")]
    proxies = list(found.get("proxies", ())) if found else []
    for proxy in proxies[:MAX_PROXIES]:
        parts.append(_proxy(here, proxy))
    if len(proxies) > MAX_PROXIES:
        parts.append(words("details.more", count=len(proxies) - MAX_PROXIES))
    workers = list(found.get("workers", ())) if found else []
    if workers:
        parts.append(words("details.workers", count=len(workers)))
    back = keyboard([[button(words("settings.button_back"), PRIVACY)]])
    await show(deps, here, "\n\n".join(parts), back, pressed=query)


async def receipt_page(deps: BotDeps, here: Here, query: CallbackQuery) -> None:
    """The facts of the chat's last answer."""
    words, facts = here.words, await deps.assistant.last_facts(here.chat)
    if facts is None:
        await answer(query, words("privacy.no_last"), is_alert=True)
        return
    back = keyboard([[button(words("settings.button_back"), PRIVACY)]])
    await show(deps, here, receipt(here, facts), back, pressed=query)


def receipt(here: Here, facts: Facts) -> str:
    """Who computed an answer, in words; it is no signed receipt and says so."""
    words = here.words
    unknown = words("receipt.unknown")
    worker, proxy = facts.worker or {}, facts.proxy
    cost = words("receipt.cost", cost=ton(Nano(facts.charged), is_cost=True))
    if facts.is_estimate:
        cost += " " + words("receipt.estimate")
    lines = [
        words("receipt.title"),
        words("receipt.when", time=_time(facts.at), seconds=f"{facts.seconds:.1f}"),
        words("receipt.model", model=plain(facts.model)),
        words("receipt.tokens", prompt=facts.prompt_tokens, answer=facts.completion_tokens),
        cost,
        words(
            "receipt.worker",
            kind=plain(worker.get("evidence") or unknown),
            image=_hash(worker.get("image")) or unknown,
        ),
        words(
            "receipt.proxy",
            kind=plain(proxy.get("evidence") or unknown),
            image=_hash(proxy.get("image")) or unknown,
        ),
        words("receipt.sealed" if facts.sealed else "receipt.not_sealed"),
        words("receipt.signed" if facts.receipt else "receipt.not_signed"),
        words("receipt.reference", reference=facts.reference),
    ]
    if is_simulated(None, facts):
        lines.append(words("privacy.simulated"))
    return "\n".join(lines)


def is_simulated(found: Mapping[str, Any] | None, facts: Facts | None) -> bool:
    """Whether anything of it stands on pretended hardware, which protects nothing."""
    if found is not None and found.get("simulated"):
        return True
    kinds = []
    if facts is not None:
        kinds = [facts.proxy.get("evidence", ""), (facts.worker or {}).get("evidence", "")]
    return any(is_pretended(str(kind)) for kind in kinds)


def is_pretended(evidence: str) -> bool:
    """Whether a kind of evidence says of itself that it proves nothing."""
    return any(word in evidence.lower() for word in _PRETENDED)


async def forget_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """What would be erased, and a button that does it."""
    words = here.words
    rows = (
        [button(words("forget.yes"), f"{PRIVACY}:forget!")],
        [button(words("forget.export"), f"{MONEY}:export")],
        [button(words("settings.button_back"), PRIVACY)],
    )
    await show(deps, here, words("forget.ask"), keyboard(rows), pressed=query)


def _last(here: Here, facts: Facts | None) -> str:
    words = here.words
    if facts is None:
        return words("privacy.no_last")
    if facts.worker is None or not facts.worker.get("evidence"):
        return words("privacy.last_unknown")
    worker, proxy = facts.worker["evidence"], facts.proxy.get("evidence", "")
    kinds = {"worker": plain(worker), "proxy": plain(proxy or words("receipt.unknown"))}
    return words("privacy.last", **kinds)


def _proxy(here: Here, proxy: Mapping[str, Any]) -> str:
    words = here.words
    steps = list(proxy.get("steps", ()))
    passed = sum(1 for step in steps if step.get("outcome") == "passed")
    applied = sum(1 for step in steps if step.get("outcome") in _SIGNS)
    key = "details.proxy" if proxy.get("verified") else "details.proxy_failed"
    lines = [
        words(
            key,
            address=plain(str(proxy.get("address", ""))),
            kind=plain(str(proxy.get("kind", ""))),
            image=_hash(proxy.get("image_hash")) or words("receipt.unknown"),
            policy=plain(str(proxy.get("policy", ""))),
            passed=passed,
            steps=applied if proxy.get("verified") else len(steps),
        )
    ]
    for step in steps:
        name, sign = plain(str(step.get("name", ""))), _SIGNS.get(str(step.get("outcome")))
        lines.append(f"{sign} {name}" if sign else words("details.not_done", name=name))
    return "\n".join(lines)


_SIGNS = {"passed": "✓", "failed": "✗"}


def _hash(value: object) -> str:
    """The beginning of a hash is enough to compare by eye; the Mini App shows all of it."""
    text = str(value or "")
    return f"`{text[:16]}…`" if len(text) > 16 else (f"`{text}`" if text else "")


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
