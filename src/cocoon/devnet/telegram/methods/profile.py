"""What the bot is, says of itself, and offers; and the files that it fetches.

Sources: https://core.telegram.org/bots/api#getme, #setmycommands, #setchatmenubutton, #setmyname,
#setmydescription, #setmyshortdescription, #getfile.
"""

import re
from typing import Any

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.keyboards import is_web_app_url
from cocoon.devnet.telegram.limits import MAX_COMMANDS
from cocoon.devnet.telegram.world import World

MAX_NAME, MAX_DESCRIPTION, MAX_SHORT, MAX_COMMAND_TEXT = 64, 512, 120, 256
SCOPES = frozenset(
    {
        "default",
        "all_private_chats",
        "all_group_chats",
        "all_chat_administrators",
        "chat",
        "chat_administrators",
        "chat_member",
    }
)
_COMMAND = re.compile(r"/?[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?")


def get_me(world: World, _: Json) -> Json:
    """``getMe``."""
    return world.bot.me()


def get_file(world: World, arguments: Json) -> Json:
    """``getFile``."""
    return world.files.describe(arguments["file_id"])


def _language(arguments: Json) -> str:
    language = str(arguments.get("language_code", ""))
    if _LANGUAGE.fullmatch(language) is None:
        raise bad_request("language code is invalid")
    return language


def _key(arguments: Json) -> tuple[str, str]:
    scope = arguments.get("scope") or {"type": "default"}
    if not isinstance(scope.get("type"), str) or scope["type"] not in SCOPES:
        raise bad_request("can't parse BotCommandScope: unsupported type specified")
    where = [scope["type"], *(str(scope[k]) for k in ("chat_id", "user_id") if k in scope)]
    return ":".join(where), _language(arguments)


def set_my_commands(world: World, arguments: Json) -> bool:
    """``setMyCommands``."""
    commands = arguments["commands"]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    world.commands[_key(arguments)] = [_check_command(command) for command in commands]
    world.changed("commands", 0, {})
    return True


def _check_command(command: Any) -> Json:
    if not isinstance(command, dict):
        raise bad_request("can't parse BotCommand: expected an Object")
    name, text = command.get("command"), command.get("description")
    if not isinstance(name, str) or _COMMAND.fullmatch(name) is None:
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_COMMAND_TEXT:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name.removeprefix("/"), "description": text}


def get_my_commands(world: World, arguments: Json) -> list[Json]:
    """``getMyCommands``."""
    return world.commands.get(_key(arguments), [])


def delete_my_commands(world: World, arguments: Json) -> bool:
    """``deleteMyCommands``."""
    world.commands.pop(_key(arguments), None)
    world.changed("commands", 0, {})
    return True


def set_chat_menu_button(world: World, arguments: Json) -> bool:
    """``setChatMenuButton``: of one private chat, or of all that have none of their own."""
    chat = arguments.get("chat_id", 0)
    if chat:
        world.chat_for_bot(chat)
    button = arguments.get("menu_button") or {"type": "default"}
    kind = button.get("type")
    if not isinstance(kind, str) or kind not in {"default", "commands", "web_app"}:
        raise bad_request("can't parse MenuButton: unsupported type specified")
    if kind == "web_app":
        app = button.get("web_app")
        if not button.get("text") or not isinstance(app, dict):
            raise bad_request("can't parse MenuButton: text and web_app are needed")
        if not is_web_app_url(app.get("url")):
            raise bad_request("menu button Web App URL is invalid: only HTTPS links are allowed")
    world.menu_buttons[chat] = button
    world.changed("menu", chat, button)
    return True


def get_chat_menu_button(world: World, arguments: Json) -> Json:
    """``getChatMenuButton``."""
    default = world.menu_buttons.get(0, {"type": "default"})
    return world.menu_buttons.get(arguments.get("chat_id", 0), default)


def _set_text(world: World, arguments: Json, name: str, most: int) -> bool:
    text = str(arguments.get(name, ""))
    if len(text) > most:
        raise bad_request(f"{name} is too long")
    world.about[name, _language(arguments)] = text
    world.changed("profile", 0, {})
    return True


def _get_text(world: World, arguments: Json, name: str, otherwise: str = "") -> Json:
    default = world.about.get((name, ""), otherwise)
    return {name: world.about.get((name, _language(arguments)), default)}


def set_my_name(world: World, arguments: Json) -> bool:
    """``setMyName``: people see it; ``getMe`` goes on naming the stand-in."""
    return _set_text(world, arguments, "name", MAX_NAME)


def get_my_name(world: World, arguments: Json) -> Json:
    """``getMyName``."""
    return _get_text(world, arguments, "name", world.bot.name)


def set_my_description(world: World, arguments: Json) -> bool:
    """``setMyDescription``."""
    done = _set_text(world, arguments, "description", MAX_DESCRIPTION)
    world.bot.description = world.about.get(("description", ""), "")
    return done


def get_my_description(world: World, arguments: Json) -> Json:
    """``getMyDescription``."""
    return _get_text(world, arguments, "description")


def set_my_short_description(world: World, arguments: Json) -> bool:
    """``setMyShortDescription``."""
    done = _set_text(world, arguments, "short_description", MAX_SHORT)
    world.bot.short_description = world.about.get(("short_description", ""), "")
    return done


def get_my_short_description(world: World, arguments: Json) -> Json:
    """``getMyShortDescription``."""
    return _get_text(world, arguments, "short_description")


def confirm(_world: World, _arguments: Json) -> bool:
    """``logOut`` and ``close``: there is no other server to go to; nothing changes."""
    return True
