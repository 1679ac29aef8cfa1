"""Answers to what people did: pressed buttons, inline queries, checkouts.

Sources: https://core.telegram.org/bots/api#answercallbackquery, #answerinlinequery,
#answerprecheckoutquery.
"""

import re
from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request, not_implemented
from cocoon.devnet.telegram.formatting import read_text
from cocoon.devnet.telegram.inline import post_as_guest
from cocoon.devnet.telegram.keyboards import is_web_app_url, read_keyboard
from cocoon.devnet.telegram.limits import MAX_CALLBACK_ANSWER, MAX_INLINE_RESULTS, MAX_TEXT
from cocoon.devnet.telegram.text import units
from cocoon.devnet.telegram.world import Query, World

TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
MAX_RESULT_ID = 64
MAX_OFFSET = 64
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _open_query(world: World, queries: dict[str, Query], number: str) -> Query:
    query = queries.pop(number, None)
    if query is None or query.expires < world.clock.time():
        raise bad_request(TOO_OLD)
    return query


def _close(world: World, query: Query, kind: str, answer: Json) -> bool:
    query.answer = answer
    world.changed(kind, query.person, {"id": query.id, **answer})
    return True


def answer_callback_query(world: World, arguments: Json) -> bool:
    """``answerCallbackQuery``: once a query."""
    if units(arguments.get("text", "")) > MAX_CALLBACK_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG")
    url = arguments.get("url", "")
    if url and not url.startswith((f"https://t.me/{world.bot.username}", "tg://")):
        raise bad_request("URL_INVALID")
    query = _open_query(world, world.callbacks, arguments["callback_query_id"])
    answer: Json = {
        name: arguments[name] for name in ("text", "show_alert", "url") if name in arguments
    }
    return _close(world, query, "callback_answer", answer)


def answer_pre_checkout_query(world: World, arguments: Json) -> bool:
    """``answerPreCheckoutQuery``."""
    if not arguments["ok"] and not arguments.get("error_message"):
        raise bad_request("error message must be non-empty")
    query = _open_query(world, world.checkouts, arguments["pre_checkout_query_id"])
    answer: Json = {name: arguments[name] for name in ("ok", "error_message") if name in arguments}
    return _close(world, query, "checkout_answer", answer)


def answer_inline_query(world: World, arguments: Json) -> bool:
    """``answerInlineQuery``."""
    results = arguments["results"]
    if len(results) > MAX_INLINE_RESULTS:
        raise bad_request("RESULTS_TOO_MUCH")
    shown = [_check_result(result) for result in results]
    if len({result["id"] for result in shown}) < len(shown):
        raise bad_request("RESULT_ID_DUPLICATE")
    offset = arguments.get("next_offset", "")
    if len(offset.encode()) > MAX_OFFSET:
        raise bad_request("NEXT_OFFSET_INVALID")
    button = arguments.get("button")
    if button is not None:
        _check_button(button)
    query = _open_query(world, world.inline_queries, arguments["inline_query_id"])
    answer = {"results": shown, "button": button, "next_offset": offset}
    return _close(world, query, "inline_answer", answer)


def answer_guest_query(world: World, arguments: Json) -> Json:
    """``answerGuestQuery``: the message stands in the chat at once, as one of inline mode."""
    result = _check_result(arguments["result"])
    query = _open_query(world, world.guest_queries, arguments["guest_query_id"])
    message = post_as_guest(world, query, result)
    return {"inline_message_id": message["inline_message_id"]}


def _check_button(button: Json) -> None:
    if not isinstance(button.get("text"), str) or not button["text"]:
        raise bad_request("can't parse inline query results button: text must be non-empty")
    app = button.get("web_app")
    if app is not None:
        if not isinstance(app, dict) or not is_web_app_url(app.get("url")):
            raise bad_request("BUTTON_URL_INVALID")
    elif _START_PARAMETER.fullmatch(str(button.get("start_parameter", ""))) is None:
        raise bad_request("START_PARAM_INVALID")


def _check_result(result: Any) -> Json:
    if not isinstance(result, dict):
        raise bad_request("can't parse inline query result: expected an Object")
    number = result.get("id")
    if not isinstance(number, str) or not 1 <= len(number.encode()) <= MAX_RESULT_ID:
        raise bad_request("RESULT_ID_INVALID")
    if result.get("type") != "article":
        raise not_implemented("inline results other than articles")
    if not isinstance(result.get("title"), str) or not result["title"]:
        raise bad_request("can't parse inline query result: can't find field \"title\"")
    content = result.get("input_message_content")
    if not isinstance(content, dict) or "message_text" not in content:
        raise bad_request("can't parse inline query result: wrong input message content")
    if not isinstance(content.get("entities", []), list):
        raise bad_request("can't parse inline query result: expected an Array as entities")
    text, entities = read_text(
        content,
        "message_text",
        "entities",
        MAX_TEXT,
        empty="MESSAGE_EMPTY",
        too_long="MESSAGE_TOO_LONG",
    )
    said: Json = {"message_text": text} | ({"entities": entities} if entities else {})
    checked = result | {"input_message_content": said}
    keyboard = read_keyboard(_object(result.get("reply_markup")), private=False)
    checked.pop("reply_markup", None)
    return checked | ({"reply_markup": keyboard} if keyboard else {})


def _object(value: Any) -> Json | None:
    if value is not None and not isinstance(value, dict):
        raise bad_request("object expected as reply markup")
    return value
