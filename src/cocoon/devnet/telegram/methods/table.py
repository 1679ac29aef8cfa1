"""Which function does which method, and what a call counts against."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.limits import Cost
from cocoon.devnet.telegram.methods import profile, sending
from cocoon.devnet.telegram.world import World

Do = Callable[[World, Json], Any]


@dataclass(frozen=True, slots=True)
class Method:
    """One method.

    Attributes:
        do: takes the world and the arguments, gives the result.
        cost: what its calls count against.
    """

    do: Do
    cost: Cost = Cost.FREE


METHODS: dict[str, Method] = {
    "getMe": Method(profile.get_me),
    "getFile": Method(profile.get_file),
    "sendMessage": Method(sending.send_message, Cost.MESSAGE),
    "sendMessageDraft": Method(sending.send_message_draft, Cost.MESSAGE),
    "sendPhoto": Method(sending.send_photo, Cost.MESSAGE),
    "sendDocument": Method(sending.send_document, Cost.MESSAGE),
    "sendVoice": Method(sending.send_voice, Cost.MESSAGE),
    "sendAudio": Method(sending.send_audio, Cost.MESSAGE),
    "forwardMessage": Method(sending.forward_message, Cost.MESSAGE),
    "copyMessage": Method(sending.copy_message, Cost.MESSAGE),
    "sendChatAction": Method(sending.send_chat_action, Cost.CALL),
}
"""Every method but those of getting updates."""
