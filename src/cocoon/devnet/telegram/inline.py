"""Inline mode, ``@bot query`` in any chat, and guest mode, ``@bot`` in a message anywhere.

Sources: https://core.telegram.org/bots/api#inlinequery, #answerinlinequery, #choseninlineresult,
#answerguestquery; https://core.telegram.org/api/bots/guest-mode. How long a guest query can be
answered is not published; here it is as long as an inline query.
"""

from dataclasses import dataclass, field

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.limits import INLINE_TIME
from cocoon.devnet.telegram.messages import add_message
from cocoon.devnet.telegram.privacy import bot_sees
from cocoon.devnet.telegram.values import Account
from cocoon.devnet.telegram.views import ChatView, Shown
from cocoon.devnet.telegram.world import Query, World

MAX_QUERY = 256


@dataclass(frozen=True, slots=True)
class InlineAnswer:
    """What the bot offers.

    Attributes:
        results: Telegram's ``InlineQueryResult`` objects.
        button: above them, or ``None``.
        next_offset: empty when there are no more.
    """

    query: str = field(repr=False)
    results: list[Json] = field(repr=False)
    button: Json | None
    next_offset: str


async def ask_inline(
    world: World,
    account: Account,
    query: str,
    chat: ChatView | None,
    offset: str,
    timeout: float,
) -> InlineAnswer:
    """See :meth:`cocoon.devnet.telegram.people.Person.inline`."""
    if not world.bot.inline:
        raise LookupError("the bot does not take inline queries")
    text, number = query[:MAX_QUERY], world.token("inline")
    content: Json = {"id": number, "from": account.user(), "query": text, "offset": offset}
    if chat is not None:
        private = chat.id == account.id
        content["chat_type"] = "sender" if private else chat.state.type
    asked = Query(number, account.id, world.clock.time() + INLINE_TIME, content)
    world.ask(world.inline_queries, asked, "inline_query")
    answer = await world.until(lambda: asked.answer, timeout, "the answer to the inline query")
    return InlineAnswer(text, answer["results"], answer["button"], answer["next_offset"])


def choose_inline(
    world: World,
    account: Account,
    answer: InlineAnswer,
    which: int | str,
    chat: ChatView | None,
    thread: int | None = None,
) -> Shown:
    """See :meth:`cocoon.devnet.telegram.people.Person.choose`."""
    result = (
        answer.results[which]
        if isinstance(which, int)
        else next(result for result in answer.results if result["id"] == which)
    )
    content = _said(result)
    content["via_bot"] = world.bot.user()
    message = _place(world, account, content, result.get("reply_markup"), chat, thread)
    chosen: Json = {"result_id": result["id"], "from": account.user(), "query": answer.query}
    if "reply_markup" in result:
        # Telegram names the message only when it has a keyboard.
        _make_editable(world, message)
        chosen["inline_message_id"] = message["inline_message_id"]
    world.updates.put("chosen_inline_result", chosen)
    return Shown(message, chat.id if chat is not None else 0)


def _said(result: Json) -> Json:
    said = result["input_message_content"]
    content: Json = {"text": said["message_text"]}
    return content | ({"entities": said["entities"]} if said.get("entities") else {})


def _make_editable(world: World, message: Json) -> None:
    message["inline_message_id"] = world.token("inlinemsg")
    world.inline_messages[message["inline_message_id"]] = message


def ask_guest(world: World, account: Account, message: Json) -> None:
    """Tells the bot that it was called into a chat that it is not in."""
    number = world.token("guest")
    content = message | {"guest_query_id": number}
    query = Query(number, account.id, world.clock.time() + INLINE_TIME, content)
    world.ask(world.guest_queries, query, "guest_message")


def post_as_guest(world: World, query: Query, result: Json) -> Json:
    """Puts the bot's answer to a guest query into the chat."""
    chat = world.chats[query.data["chat"]["id"]]
    message = add_message(
        world,
        chat,
        world.bot.user(),
        _said(result) | {"guest_bot_caller_user": world.accounts[query.person].user()},
        thread=query.data.get("message_thread_id"),
        reply_to=chat.messages.get(query.data["message_id"]),
        keyboard=result.get("reply_markup"),
    )
    _make_editable(world, message)
    return message


def _place(
    world: World,
    account: Account,
    content: Json,
    keyboard: Json | None,
    chat: ChatView | None,
    thread: int | None,
) -> Json:
    if chat is None:
        message: Json = {"message_id": 0, "from": account.user(), "date": world.now(), **content}
        return message | ({"reply_markup": keyboard} if keyboard else {})
    message = add_message(
        world, chat.state, account.user(), content, thread=thread, keyboard=keyboard
    )
    if bot_sees(world, chat.state, message):
        world.updates.put("message", {k: v for k, v in message.items() if k != "inline_message_id"})
    return message
