"""What the bot is, and the files that it fetches.

Sources: https://core.telegram.org/bots/api#getme, #getfile.
"""

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.world import World


def get_me(world: World, _: Json) -> Json:
    """``getMe``."""
    return world.bot.me()


def get_file(world: World, arguments: Json) -> Json:
    """``getFile``."""
    return world.files.describe(arguments["file_id"])
