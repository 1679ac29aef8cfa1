"""Inline mode and guest chats: answers in chats that the bot is not in.

Telegram lets the bot only edit the message that was sent through it. Inline, a person types
"@bot question" in any chat and picks what to do; Telegram then tells of the choice if the bot's
owner switched feedback on, and a button below the message begins the answer if not. As a guest the
bot is called by its name and answers at once (https://core.telegram.org/bots/api#inline-mode,
#answerguestquery).
"""

import secrets
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace

from aiogram import F, Router
from aiogram.types import (
    CallbackQuery,
    ChosenInlineResult,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InlineQueryResultUnion,
    InputTextMessageContent,
    Message,
)

from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.addressed import is_nobody, without_mention
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.buttons import Action
from cocoon.telegram.bot.delivery import Where
from cocoon.telegram.bot.deps import BotDeps
from cocoon.telegram.bot.desk import Desk, plain
from cocoon.telegram.bot.here import Here
from cocoon.telegram.bot.pages import answer as close_query
from cocoon.telegram.bot.prompts import question_about, task_prompt
from cocoon.telegram.bot.thread import words_of

PREFIX = "inl"
KEEP_SECONDS = 3600.0
MAX_KEPT_OF_ONE = 30
"""Offers to one person; there are three for every few letters that they type."""
MAX_PEOPLE = 2000
START_PARAMETER = "inline"
OFFERED: tuple[Action, ...] = ("ask", "translate", "summarize")


@dataclass(frozen=True, slots=True)
class Asked:
    """An inline question that may be chosen.

    Attributes:
        user: who typed it, and pays.
        action: what to do with it.
        words: what was typed.
    """

    user: int
    action: Action
    words: str = field(repr=False)


class Pending:
    """Inline questions that were offered and not yet answered, the oldest dropped first.

    Needed only for the button: where Telegram tells of a choice, it tells the question too.
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[str, tuple[float, Asked]] = OrderedDict()
        self._names: OrderedDict[int, deque[str]] = OrderedDict()

    def put(self, asked: Asked) -> str:
        """Keep one; its name has at most 32 bytes."""
        name = f"{asked.action}.{secrets.token_urlsafe(12)}"
        self._asked[name] = (time.monotonic(), asked)
        names = self._names.setdefault(asked.user, deque())
        names.append(name)
        self._names.move_to_end(asked.user)
        while len(names) > MAX_KEPT_OF_ONE:
            self._asked.pop(names.popleft(), None)
        while len(self._names) > MAX_PEOPLE:
            _, dropped = self._names.popitem(last=False)
            for each in dropped:
                self._asked.pop(each, None)
        return name

    def take(self, name: str, user: int) -> Asked | None:
        """What stands behind a name, once; None when it is gone or somebody else's."""
        at, asked = self._asked.get(name, (0.0, None))
        if asked is None or asked.user != user or time.monotonic() - at > KEEP_SECONDS:
            return None
        del self._asked[name]
        return asked


def told(result: ChosenInlineResult) -> Asked | None:
    """The question of a choice that Telegram tells of."""
    action = next((each for each in OFFERED if result.result_id.startswith(f"{each}.")), None)
    words = result.query.strip()
    return Asked(result.from_user.id, action, words) if action is not None and words else None


def router(deps: BotDeps) -> Router:
    """Handlers of inline queries, of what was chosen, and of guest messages."""
    desk = Desk(deps)
    routes = Router(name="inline")
    pending = Pending()

    @routes.inline_query()
    async def typed(query: InlineQuery, here: Here) -> None:
        """Every few letters that somebody types after the bot's name."""
        await offer(here, pending, query)

    @routes.chosen_inline_result(F.inline_message_id)
    async def chosen(result: ChosenInlineResult, here: Here) -> None:
        """Telegram tells what was sent."""
        pending.take(result.result_id, result.from_user.id)
        asked = told(result)
        if asked is not None and result.inline_message_id is not None:
            await begin(desk, here, asked, result.result_id, result.inline_message_id)

    @routes.callback_query(F.data.startswith(f"{PREFIX}:"), F.inline_message_id)
    async def button(query: CallbackQuery, here: Here) -> None:
        """The button below a message that was sent inline, where Telegram did not tell."""
        name = (query.data or "").partition(":")[2]
        asked = pending.take(name, query.from_user.id)
        if asked is None or query.inline_message_id is None:
            await desk.alert(here, query, "inline_gone")
            return
        await close_query(query)
        await begin(desk, here, asked, name, query.inline_message_id)

    @routes.guest_message()
    async def guest(message: Message, here: Here) -> None:
        """The bot's name in a chat that it is not in."""
        await as_guest(desk, here, message)

    return routes


async def offer(here: Here, pending: Pending, query: InlineQuery) -> None:
    """Answer an inline query with what can be done with its text; nothing is charged yet."""
    words = query.query.strip()
    results: list[InlineQueryResultUnion] = []
    for action in OFFERED if words else ():
        name = pending.put(Asked(query.from_user.id, action, words))
        title = here.words(f"media.inline_{action}")
        results.append(_article(here, name, title, words))
    button = InlineQueryResultsButton(
        text=here.words("media.inline_button"), start_parameter=START_PARAMETER
    )
    await query.answer(results, cache_time=0, is_personal=True, button=button)


def _article(here: Here, name: str, title: str, words: str) -> InlineQueryResultArticle:
    """A result; its button is why Telegram lets the bot edit the message that it becomes."""
    start = InlineKeyboardButton(
        text=here.words("media.inline_start"), callback_data=f"{PREFIX}:{name}"
    )
    return InlineQueryResultArticle(
        id=name,
        title=title,
        description=words,
        input_message_content=InputTextMessageContent(
            message_text=f"{title}: {words}", parse_mode=None
        ),
        reply_markup=InlineKeyboardMarkup(inline_keyboard=[[start]]),
    )


async def begin(desk: Desk, here: Here, asked: Asked, name: str, inline: str) -> None:
    """Answer by editing the message that was sent inline; the question stays above the answer."""
    prompt = asked.words
    if asked.action != "ask":
        prompt = task_prompt(asked.action, asked.words, desk.language(here))
    await _edit(desk, here, prompt, f"inline:{name}", inline, lead=asked.words)


async def as_guest(desk: Desk, here: Here, message: Message) -> None:
    """Answer in a chat that the bot is not in."""
    if is_nobody(message) or message.guest_query_id is None:
        return
    mine = str(here.user)  # the chat is of people who may never have met the bot
    here = replace(here, chat=mine, preferences=await desk.deps.chats.get(mine))
    question = without_mention(message, desk.me)
    said = message.reply_to_message
    about = words_of(said) if said is not None else ""
    if not (question or about):
        return
    if about:
        question = question or here.words("media.about_question")
        question = question_about(question, "An earlier message", about)
    waiting = _article(here, secrets.token_urlsafe(12), here.words("media.inline_waiting"), "…")
    sent = await message.answer_guest_query(waiting)
    reference = f"inline:guest:{message.guest_query_id}"
    await _edit(desk, here, question, reference, sent.inline_message_id)


async def _edit(
    desk: Desk, here: Here, prompt: str, reference: str, inline: str, lead: str = ""
) -> None:
    where = Where(chat=0, is_private=False, inline=inline)
    await desk.deps.answering.reply(
        Ask(
            here=replace(here, where=where),
            reference=reference,
            turn=Turn("user", prompt),
            has_history=False,
            is_remembered=False,
            lead=quoted(lead),
        )
    )


def quoted(words: str) -> str:
    """A question above its answer, as a quotation."""
    return "\n".join(f"> {plain(line)}" for line in words.split("\n")) if words else ""
