"""/settings: model, price class, instructions, language and memory of a chat."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from cocoon.accounting import Nano
from cocoon.errors import CocoonError
from cocoon.telegram.assistant.values import Model
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.chats import MAX_PROMPT_CHARS
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import plain
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.keyboards import MENU, button, keyboard
from cocoon.telegram.bot.pages import answer, show
from cocoon.telegram.bot.prompting import Prompting

MAX_MODELS = 30
"""Models on one page; Telegram takes 100 buttons."""
BASE_COEFFICIENT = 1000
"""Thousandths: a machine that asks the base price."""
Page = Callable[[BotDeps, Here, CallbackQuery | None], Awaitable[None]]


def router(deps: BotDeps) -> Router:
    """Handlers of /settings and its pages."""
    routes = Router(name="menus")
    prompting = Prompting(deps)

    @routes.message(Command("settings", "menu"), ~F.via_bot)
    async def settings(_: Message, here: Here) -> None:
        """`/settings`."""
        await main_page(deps, here)

    @routes.message(Command("model", "models"), ~F.via_bot)
    async def model(_: Message, here: Here) -> None:
        """`/model`."""
        await model_page(deps, here)

    @routes.message(Command("language"), ~F.via_bot)
    async def language(_: Message, here: Here) -> None:
        """`/language`."""
        await language_page(deps, here)

    @routes.message(Command("prompt"), ~F.via_bot)
    async def prompt(_: Message, here: Here, command: CommandObject) -> None:
        """`/prompt text`, or the page."""
        if not command.args:
            await prompt_page(deps, here)
        elif await may_change(deps, here):
            await prompting.set(here, command.args)
        else:
            await deps.delivery.send(here.where, here.words("settings.admins"))

    @routes.message(prompting.is_reply)
    async def replied(message: Message, here: Here) -> None:
        """The instructions that were asked for."""
        await prompting.set(here, message.text or "")

    @routes.callback_query(F.data.regexp(rf"^{MENU}(:|$)"), F.message)
    async def pressed(query: CallbackQuery, here: Here) -> None:
        """A button of any page: ``m:PAGE`` shows it, ``m:PAGE:VALUE`` chooses."""
        _, page, value = [*(query.data or "").split(":", 2), "", ""][:3]
        if refusal := await _refusal(deps, here, page, value):
            await answer(query, here.words(refusal), is_alert=True)
        elif page == "prompt" and value == "change":
            await answer(query)
            await prompting.ask(here)
        elif value:
            await choose(deps, here, query, page, value)
        else:
            await _PAGES.get(page, main_page)(deps, here, query)

    return routes


async def may_change(deps: BotDeps, here: Here) -> bool:
    """Whether a person may decide for a chat: everybody in private, administrators in groups."""
    if here.where.is_private:
        return True
    try:
        member = await deps.bot.get_chat_member(here.where.chat, here.user)
    except TelegramAPIError:
        return False
    return member.status in {"creator", "administrator"}


async def may_start_over(deps: BotDeps, here: Here) -> bool:
    """Whether a person may have a conversation forgotten.

    In groups these are administrators and whoever has asked something there: it is theirs.
    """
    return await deps.accounts.has_asked(here.user, here.chat) or await may_change(deps, here)


async def _refusal(deps: BotDeps, here: Here, page: str, value: str) -> str:
    """Which text says that a button is not for this person; empty where it is."""
    if page == "new":
        return "" if await may_start_over(deps, here) else "new.not_yours"
    return "" if not value or await may_change(deps, here) else "settings.admins"


async def start_over(deps: BotDeps, here: Here) -> None:
    """Forget the conversation, and say so; in groups not for everybody."""
    if not await may_start_over(deps, here):
        await deps.delivery.send(here.where, here.words("new.not_yours"))
        return
    if here.where.is_private:
        await deps.answering.end(here.chat)
    forgotten = await deps.history.clear(here.chat)
    key = "new.done" if forgotten else "new.was_empty"
    text = here.words(key, count=forgotten, limit=deps.history.limit)
    await deps.delivery.send(here.where, text)


async def choose(deps: BotDeps, here: Here, query: CallbackQuery, page: str, value: str) -> None:
    """Keep a choice, and show the main page with it."""
    chosen = None
    if page == "model":
        name = next((m.name for m in await chat_models(deps) if short(m.name) == value), None)
        chosen = {"model": "" if value == "default" else name}
    elif page == "price" and value in deps.settings.assistant.price_classes:
        chosen = {"price_class": value}
    elif page == "language" and value in deps.texts.languages:
        chosen = {"language": value}
    elif page == "prompt" and value == "clear":
        chosen = {"prompt": ""}
    if chosen is None or None in chosen.values():
        await answer(query, here.words("errors.old_button"), is_alert=True)
        return
    changes = {name: text for name, text in chosen.items() if text is not None}
    preferences = await deps.chats.change(here.chat, **changes)
    words = deps.texts.words(preferences.language, here.words.language)
    now = Here(
        user=here.user, chat=here.chat, where=here.where, preferences=preferences, words=words
    )
    await main_page(deps, now, query)


# --- pages ---


async def main_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """All choices at a glance."""
    words, chosen = here.words, here.preferences
    count = await deps.history.count(here.chat)
    limit = deps.history.limit
    title = await _model_title(deps, here)
    price = chosen.price_class or deps.settings.assistant.price_class
    prompt = chosen.prompt or words("settings.no_prompt")
    text = words(
        "settings.page",
        model=plain(title),
        price=_class_name(here, price),
        language=words.name,
        prompt=plain(_brief(prompt)),
        count=count,
        limit=limit,
        days=deps.settings.limits.history_days,
    )
    rows = (
        [_to(here, "model"), _to(here, "price")],
        [_to(here, "prompt"), _to(here, "language")],
        [button(words("settings.button_new", count=count, limit=limit), f"{MENU}:new")],
        [button(words("settings.button_close"), f"{MENU}:close")],
    )
    await show(deps, here, text, keyboard(rows), pressed=query)


async def model_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Models with prices."""
    words = here.words
    models = (await chat_models(deps))[:MAX_MODELS]
    current = here.preferences.model or deps.settings.assistant.model
    current = current or (models[0].name if models else "")
    lines = [words("settings.models") if models else words("settings.no_models")]
    lines += [model_line(here, each) for each in models]
    rows = [
        [
            button(
                _marked(each.title, is_on=each.name == current), f"{MENU}:model:{short(each.name)}"
            )
        ]
        for each in models
    ]
    text = "\n\n".join(lines)
    await show(deps, here, text, keyboard([*rows, [_back(here)]]), pressed=query)


async def price_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Price classes and what they mean."""
    settings = deps.settings.assistant
    current = here.preferences.price_class or settings.price_class
    lines, rows = [here.words("settings.prices")], []
    for name, coefficient in settings.price_classes.items():
        limit = here.words("settings.price_any")
        if coefficient == BASE_COEFFICIENT:
            limit = here.words("settings.price_up_to_one")
        elif coefficient is not None:
            limit = here.words("settings.price_up_to", times=f"{coefficient / 1000:g}")
        title = _class_name(here, name)
        lines.append(f"**{title}**: {limit}")
        rows.append([button(_marked(title, is_on=name == current), f"{MENU}:price:{name}")])
    text = "\n\n".join(lines)
    await show(deps, here, text, keyboard([*rows, [_back(here)]]), pressed=query)


async def language_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """Languages, each in itself."""
    rows = []
    for tag in deps.texts.languages:
        name = _marked(deps.texts.words(tag).name, is_on=tag == here.words.language)
        rows.append([button(name, f"{MENU}:language:{tag}")])
    text = here.words("settings.languages")
    await show(deps, here, text, keyboard([*rows, [_back(here)]]), pressed=query)


async def prompt_page(deps: BotDeps, here: Here, query: CallbackQuery | None = None) -> None:
    """The system prompt as it is."""
    words, prompt = here.words, here.preferences.prompt
    text = words("settings.prompt_none")
    if prompt:
        text = words("settings.prompt_is", prompt=plain(_brief(prompt, 1500)))
    text += "\n\n" + words("settings.prompt_about", limit=MAX_PROMPT_CHARS)
    row = [button(words("settings.prompt_change"), f"{MENU}:prompt:change")]
    if prompt:
        row.append(button(words("settings.prompt_clear"), f"{MENU}:prompt:clear"))
    await show(deps, here, text, keyboard((row, [_back(here)])), pressed=query)


async def _new(deps: BotDeps, here: Here, query: CallbackQuery | None) -> None:
    if query is not None:
        await answer(query)
    await start_over(deps, here)


async def _close(deps: BotDeps, _: Here, query: CallbackQuery | None) -> None:
    if query is not None and query.message is not None:
        await answer(query)
        with suppress(TelegramAPIError):
            await deps.bot.delete_message(query.message.chat.id, query.message.message_id)


_PAGES: dict[str, Page] = {
    "model": model_page,
    "price": price_page,
    "language": language_page,
    "prompt": prompt_page,
    "new": _new,
    "close": _close,
}


# --- words of pages ---


async def chat_models(deps: BotDeps) -> list[Model]:
    """Models that chats can choose; raises UnavailableError."""
    return [each for each in await deps.assistant.models() if "chat" in each.endpoints]


def model_line(here: Here, model: Model) -> str:
    """A model, its price and what it can do, on one line."""
    words = here.words
    facts = []
    if model.price is not None:
        facts.append(words("settings.model_price", price=ton(Nano(int(model.price)), is_cost=True)))
    if "image" in model.inputs:
        facts.append(words("settings.model_pictures"))
    if not model.free_workers:
        facts.append(words("settings.model_busy"))
    return (
        f"**{plain(model.title)}**: {' · '.join(facts)}" if facts else f"**{plain(model.title)}**"
    )


def short(name: str) -> str:
    """A model's name for data of buttons, which are too short for names."""
    return hashlib.blake2b(name.encode(), digest_size=8).hexdigest()


async def _model_title(deps: BotDeps, here: Here) -> str:
    name = here.preferences.model or deps.settings.assistant.model
    try:
        models = await chat_models(deps)
    except CocoonError:  # the page has more to show than this
        return name or here.words("settings.default_model")
    found = next((each for each in models if not name or each.name == name), None)
    return found.title if found is not None else name or here.words("settings.default_model")


def _class_name(here: Here, name: str) -> str:
    """An operator's own classes have no words of ours."""
    try:
        return here.words(f"price_class.{name}")
    except KeyError:
        return name


def _to(here: Here, page: str) -> InlineKeyboardButton:
    return button(here.words(f"settings.button_{page}"), f"{MENU}:{page}")


def _back(here: Here) -> InlineKeyboardButton:
    return button(here.words("settings.button_back"), f"{MENU}:main")


def _marked(text: str, *, is_on: bool) -> str:
    return f"✓ {text}" if is_on else text


def _brief(text: str, most: int = 120) -> str:
    line = " ".join(text.split()) if most < 1000 else text
    return line if len(line) <= most else f"{line[: most - 1]}…"
