"""Which function does which method, and what a call counts against."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.limits import Cost
from cocoon.devnet.telegram.methods import (
    answering,
    chats,
    editing,
    payments,
    profile,
    sending,
)
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
    cost: Cost


OF_UPDATES = frozenset({"getUpdates", "setWebhook", "deleteWebhook", "getWebhookInfo"})
"""Methods that :mod:`cocoon.devnet.telegram.api` does itself."""

_MESSAGES: dict[str, Do] = {
    "sendMessage": sending.send_message,
    "sendMessageDraft": sending.send_message_draft,
    "sendPhoto": sending.send_photo,
    "sendDocument": sending.send_document,
    "sendVoice": sending.send_voice,
    "sendAudio": sending.send_audio,
    "sendInvoice": payments.send_invoice,
    "forwardMessage": sending.forward_message,
    "copyMessage": sending.copy_message,
    "editMessageText": editing.edit_message_text,
    "editMessageCaption": editing.edit_message_caption,
    "editMessageReplyMarkup": editing.edit_message_reply_markup,
}
_CALLS: dict[str, Do] = {
    "sendChatAction": sending.send_chat_action,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "pinChatMessage": editing.pin_chat_message,
    "unpinChatMessage": editing.unpin_chat_message,
    "setMessageReaction": editing.set_message_reaction,
    "createForumTopic": chats.create_forum_topic,
    "leaveChat": chats.leave_chat,
}
_FREE: dict[str, Do] = {
    "answerCallbackQuery": answering.answer_callback_query,
    "answerGuestQuery": answering.answer_guest_query,
    "answerInlineQuery": answering.answer_inline_query,
    "answerPreCheckoutQuery": answering.answer_pre_checkout_query,
    "close": profile.confirm,
    "createInvoiceLink": payments.create_invoice_link,
    "deleteMyCommands": profile.delete_my_commands,
    "getChat": chats.get_chat,
    "getChatAdministrators": chats.get_chat_administrators,
    "getChatMember": chats.get_chat_member,
    "getChatMemberCount": chats.get_chat_member_count,
    "getChatMenuButton": profile.get_chat_menu_button,
    "getFile": profile.get_file,
    "getMe": profile.get_me,
    "getMyCommands": profile.get_my_commands,
    "getMyDescription": profile.get_my_description,
    "getMyName": profile.get_my_name,
    "getMyShortDescription": profile.get_my_short_description,
    "getMyStarBalance": payments.get_my_star_balance,
    "getStarTransactions": payments.get_star_transactions,
    "logOut": profile.confirm,
    "refundStarPayment": payments.refund_star_payment,
    "setChatMenuButton": profile.set_chat_menu_button,
    "setMyCommands": profile.set_my_commands,
    "setMyDescription": profile.set_my_description,
    "setMyName": profile.set_my_name,
    "setMyShortDescription": profile.set_my_short_description,
}

METHODS: dict[str, Method] = {
    name: Method(do, cost)
    for cost, named in ((Cost.MESSAGE, _MESSAGES), (Cost.CALL, _CALLS), (Cost.FREE, _FREE))
    for name, do in named.items()
}
"""Every method but :data:`OF_UPDATES`."""
