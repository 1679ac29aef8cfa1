"""Pressed buttons: callback queries.

Source: https://core.telegram.org/bots/api#callbackquery, #answercallbackquery.
"""

from dataclasses import dataclass, field

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.limits import CALLBACK_TIME
from cocoon.devnet.telegram.values import Account
from cocoon.devnet.telegram.views import Button, Shown
from cocoon.devnet.telegram.world import Query, World


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What the bot answered to a pressed button.

    Attributes:
        alert: whether it is shown as a window rather than a note.
        url: what opens.
    """

    text: str = field(repr=False)
    alert: bool
    url: str


async def press_button(
    world: World, account: Account, message: Shown, button: Button | str, timeout: float
) -> CallbackAnswer:
    """See :meth:`cocoon.devnet.telegram.people.Person.press`."""
    found = message.button(button) if isinstance(button, str) else button
    if found.data is None:
        raise KeyError("the button has no callback data")
    query = begin_press(world, account, message, found.data)
    answer = await world.until(lambda: query.answer, timeout, "the answer to the button")
    return CallbackAnswer(
        str(answer.get("text", "")), bool(answer.get("show_alert")), str(answer.get("url", ""))
    )


def begin_press(world: World, account: Account, message: Shown, data: str) -> Query:
    """Sends the query without waiting for its answer."""
    number = world.token("callback")
    content: Json = {
        "id": number,
        "from": account.user(),
        "chat_instance": str(message.chat_id),
        "data": data,
    }
    if message.inline_message_id is not None:
        content["inline_message_id"] = message.inline_message_id
    else:
        content["message"] = dict(message.raw)
    query = Query(number, account.id, world.clock.time() + CALLBACK_TIME, content)
    world.ask(world.callbacks, query, "callback_query")
    return query
