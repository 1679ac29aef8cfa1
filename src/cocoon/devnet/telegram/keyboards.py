"""Keyboards under messages.

Source: https://core.telegram.org/bots/api#inlinekeyboardmarkup, #inlinekeyboardbutton.
"""

from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.limits import MAX_BUTTONS, MAX_CALLBACK_DATA

ACTIONS = frozenset(
    {
        "url",
        "callback_data",
        "web_app",
        "login_url",
        "switch_inline_query",
        "switch_inline_query_current_chat",
        "switch_inline_query_chosen_chat",
        "copy_text",
        "callback_game",
        "disabled",
        "pay",
    }
)
_EXTRA = frozenset({"text", "icon_custom_emoji_id", "style"})
STYLES = ("danger", "success", "primary")
MAX_LABEL = 256
MAX_COPIED = 256
OTHER_KEYBOARDS = frozenset({"keyboard", "remove_keyboard", "force_reply"})


def forced_reply(markup: Json | None) -> str | None:
    """The placeholder of ``ForceReply``, whose people see the field open as an answer.

    Source: https://core.telegram.org/bots/api#forcereply.

    Returns:
        None for any other markup; may be empty.
    """
    if not markup or markup.get("force_reply") is not True:
        return None
    return str(markup.get("input_field_placeholder") or "")


def read_keyboard(markup: Json | None, *, private: bool = True, inline: bool = True) -> Json | None:
    """Checks ``reply_markup``.

    Args:
        markup: decoded.
        private: whether the chat is private: ``web_app`` buttons are only allowed there.
        inline: whether only inline keyboards may stand here.

    Returns:
        An inline keyboard to show, or ``None`` for none. Other keyboards are taken and not shown.

    Raises:
        BotApiError: 400.
    """
    if not markup:
        return None
    if "inline_keyboard" not in markup:
        if inline or not OTHER_KEYBOARDS & markup.keys():
            raise bad_request("object expected as reply markup")
        return None
    rows = markup["inline_keyboard"]
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("can't parse inline keyboard button: expected an Array of Array")
    if sum(len(row) for row in rows) > MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    shown = [[_check_button(button, private=private) for button in row] for row in rows if row]
    return {"inline_keyboard": shown} if shown else None


def _check_button(button: Any, *, private: bool) -> Json:
    if not isinstance(button, dict):
        raise bad_request("can't parse inline keyboard button: expected an Object")
    text = button.get("text")
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_LABEL:
        raise bad_request("inline keyboard button text must be non-empty")
    if unknown := button.keys() - ACTIONS - _EXTRA:
        raise bad_request(f"stand-in: a button has no field {min(unknown)[:64]}")
    if button.get("style") is not None and button["style"] not in STYLES:
        raise bad_request("inline keyboard button style is invalid")
    actions = [name for name in ACTIONS & button.keys() if button[name] not in (None, False)]
    if len(actions) != 1:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    _check_action(actions[0], button[actions[0]], private=private)
    return {name: value for name, value in button.items() if value is not None}


def _check_action(action: str, value: Any, *, private: bool) -> None:
    if action == "callback_data":
        data = value.encode() if isinstance(value, str) else b""
        if not 1 <= len(data) <= MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    elif action == "url":
        if not isinstance(value, str) or not value.startswith(("http://", "https://", "tg://")):
            raise bad_request("inline keyboard button URL is invalid: wrong HTTP URL")
    elif action == "web_app":
        if not private:
            raise bad_request("BUTTON_TYPE_INVALID")
        if not isinstance(value, dict) or not is_web_app_url(value.get("url")):
            raise bad_request("inline keyboard button Web App URL is invalid: only HTTPS links")
    elif action == "copy_text":
        copied = value.get("text") if isinstance(value, dict) else None
        if not isinstance(copied, str) or not 1 <= len(copied) <= MAX_COPIED:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")


def is_web_app_url(url: Any) -> bool:
    """Whether a Mini App may be there: HTTPS, or plain HTTP on this machine (no Telegram does)."""
    if not isinstance(url, str):
        return False
    local = ("http://127.0.0.1:", "http://localhost:", "http://[::1]:")
    return url.startswith(("https://", *local))
