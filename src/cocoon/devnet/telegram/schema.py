"""The methods that the stand-in has, with the parameters that Telegram publishes for them.

One line a parameter list: ``name[!]:kind``, where ``!`` marks required ones and kinds are ``int``,
``str``, ``bool``, ``chat`` (a number or ``@name``), ``list`` and ``json`` (JSON text), and ``file``
(an upload, ``attach://`` name or file id). Source: https://core.telegram.org/bots/api (Bot API
10.3); a contract test compares it with aiogram's generated method classes.
"""

from dataclasses import dataclass

PARAMETERS: dict[str, str] = {
    "getMe": "",
    "getUpdates": "offset:int limit:int timeout:int allowed_updates:list",
    "setWebhook": (
        "url!:str certificate:file ip_address:str max_connections:int "
        "allowed_updates:list drop_pending_updates:bool secret_token:str"
    ),
    "deleteWebhook": "drop_pending_updates:bool",
    "getWebhookInfo": "",
    "logOut": "",
    "close": "",
    "sendMessage": (
        "chat_id!:chat text!:str business_connection_id:str message_thread_id:int "
        "direct_messages_topic_id:int parse_mode:str entities:list "
        "link_preview_options:json disable_notification:bool protect_content:bool "
        "allow_paid_broadcast:bool message_effect_id:str suggested_post_parameters:json "
        "reply_parameters:json reply_markup:json ephemeral_message_parameters:json "
        "receiver_user_id:int callback_query_id:str allow_sending_without_reply:bool "
        "disable_web_page_preview:bool reply_to_message_id:int"
    ),
    "sendMessageDraft": (
        "chat_id!:int draft_id!:int message_thread_id:int text:str parse_mode:str "
        "entities:list can_stop:bool keep_on_stop:bool"
    ),
    "editMessageText": (
        "text:str business_connection_id:str chat_id:chat message_id:int "
        "inline_message_id:str parse_mode:str entities:list link_preview_options:json "
        "reply_markup:json rich_message:json disable_web_page_preview:bool"
    ),
    "editMessageCaption": (
        "business_connection_id:str chat_id:chat message_id:int inline_message_id:str "
        "caption:str parse_mode:str caption_entities:list show_caption_above_media:bool "
        "reply_markup:json"
    ),
    "editMessageReplyMarkup": (
        "business_connection_id:str chat_id:chat message_id:int inline_message_id:str "
        "reply_markup:json"
    ),
    "deleteMessage": "chat_id!:chat message_id!:int",
    "deleteMessages": "chat_id!:chat message_ids!:list",
    "forwardMessage": (
        "chat_id!:chat from_chat_id!:chat message_id!:int message_thread_id:int "
        "direct_messages_topic_id:int video_start_timestamp:int "
        "disable_notification:bool protect_content:bool message_effect_id:str "
        "suggested_post_parameters:json"
    ),
    "copyMessage": (
        "chat_id!:chat from_chat_id!:chat message_id!:int message_thread_id:int "
        "direct_messages_topic_id:int video_start_timestamp:int caption:str "
        "parse_mode:str caption_entities:list show_caption_above_media:bool "
        "disable_notification:bool protect_content:bool allow_paid_broadcast:bool "
        "message_effect_id:str suggested_post_parameters:json reply_parameters:json "
        "reply_markup:json allow_sending_without_reply:bool reply_to_message_id:int"
    ),
    "sendPhoto": (
        "chat_id!:chat photo!:file business_connection_id:str message_thread_id:int "
        "direct_messages_topic_id:int caption:str parse_mode:str caption_entities:list "
        "show_caption_above_media:bool has_spoiler:bool disable_notification:bool "
        "protect_content:bool allow_paid_broadcast:bool message_effect_id:str "
        "suggested_post_parameters:json reply_parameters:json reply_markup:json "
        "ephemeral_message_parameters:json receiver_user_id:int callback_query_id:str "
        "allow_sending_without_reply:bool reply_to_message_id:int"
    ),
    "sendDocument": (
        "chat_id!:chat document!:file business_connection_id:str message_thread_id:int "
        "direct_messages_topic_id:int thumbnail:file caption:str parse_mode:str "
        "caption_entities:list disable_content_type_detection:bool "
        "disable_notification:bool protect_content:bool allow_paid_broadcast:bool "
        "message_effect_id:str suggested_post_parameters:json reply_parameters:json "
        "reply_markup:json ephemeral_message_parameters:json receiver_user_id:int "
        "callback_query_id:str allow_sending_without_reply:bool reply_to_message_id:int"
    ),
    "sendVoice": (
        "chat_id!:chat voice!:file business_connection_id:str message_thread_id:int "
        "direct_messages_topic_id:int caption:str parse_mode:str caption_entities:list "
        "duration:int disable_notification:bool protect_content:bool "
        "allow_paid_broadcast:bool message_effect_id:str suggested_post_parameters:json "
        "reply_parameters:json reply_markup:json ephemeral_message_parameters:json "
        "receiver_user_id:int callback_query_id:str allow_sending_without_reply:bool "
        "reply_to_message_id:int"
    ),
    "sendAudio": (
        "chat_id!:chat audio!:file business_connection_id:str message_thread_id:int "
        "direct_messages_topic_id:int caption:str parse_mode:str caption_entities:list "
        "duration:int performer:str title:str thumbnail:file disable_notification:bool "
        "protect_content:bool allow_paid_broadcast:bool message_effect_id:str "
        "suggested_post_parameters:json reply_parameters:json reply_markup:json "
        "ephemeral_message_parameters:json receiver_user_id:int callback_query_id:str "
        "allow_sending_without_reply:bool reply_to_message_id:int"
    ),
    "sendChatAction": (
        "chat_id!:chat action!:str business_connection_id:str message_thread_id:int"
    ),
    "getFile": "file_id!:str",
    "answerCallbackQuery": (
        "callback_query_id!:str text:str show_alert:bool url:str cache_time:int"
    ),
    "answerInlineQuery": (
        "inline_query_id!:str results!:list cache_time:int is_personal:bool "
        "next_offset:str button:json switch_pm_parameter:str switch_pm_text:str"
    ),
    "answerGuestQuery": "guest_query_id!:str result!:json",
    "sendInvoice": (
        "chat_id!:chat title!:str description!:str payload!:str currency!:str "
        "prices!:list message_thread_id:int direct_messages_topic_id:int "
        "provider_token:str max_tip_amount:int suggested_tip_amounts:list "
        "start_parameter:str provider_data:str photo_url:str photo_size:int "
        "photo_width:int photo_height:int need_name:bool need_phone_number:bool "
        "need_email:bool need_shipping_address:bool send_phone_number_to_provider:bool "
        "send_email_to_provider:bool is_flexible:bool disable_notification:bool "
        "protect_content:bool allow_paid_broadcast:bool message_effect_id:str "
        "suggested_post_parameters:json reply_parameters:json reply_markup:json "
        "allow_sending_without_reply:bool reply_to_message_id:int"
    ),
    "createInvoiceLink": (
        "title!:str description!:str payload!:str currency!:str prices!:list "
        "business_connection_id:str provider_token:str subscription_period:int "
        "max_tip_amount:int suggested_tip_amounts:list provider_data:str photo_url:str "
        "photo_size:int photo_width:int photo_height:int need_name:bool "
        "need_phone_number:bool need_email:bool need_shipping_address:bool "
        "send_phone_number_to_provider:bool send_email_to_provider:bool "
        "is_flexible:bool"
    ),
    "answerPreCheckoutQuery": "pre_checkout_query_id!:str ok!:bool error_message:str",
    "refundStarPayment": "user_id!:int telegram_payment_charge_id!:str",
    "getStarTransactions": "offset:int limit:int",
    "getMyStarBalance": "",
    "setMyCommands": "commands!:list scope:json language_code:str",
    "getMyCommands": "scope:json language_code:str",
    "deleteMyCommands": "scope:json language_code:str",
    "setChatMenuButton": "chat_id:int menu_button:json",
    "getChatMenuButton": "chat_id:int",
    "setMyName": "name:str language_code:str",
    "getMyName": "language_code:str",
    "setMyDescription": "description:str language_code:str",
    "getMyDescription": "language_code:str",
    "setMyShortDescription": "short_description:str language_code:str",
    "getMyShortDescription": "language_code:str",
    "getChat": "chat_id!:chat",
    "getChatMember": "chat_id!:chat user_id!:int",
    "getChatAdministrators": "chat_id!:chat return_bots:bool",
    "getChatMemberCount": "chat_id!:chat",
    "leaveChat": "chat_id!:chat",
    "createForumTopic": "chat_id!:chat name!:str icon_color:int icon_custom_emoji_id:str",
    "setMessageReaction": "chat_id!:chat message_id!:int reaction:list is_big:bool",
    "pinChatMessage": (
        "chat_id!:chat message_id!:int business_connection_id:str disable_notification:bool"
    ),
    "unpinChatMessage": "chat_id!:chat business_connection_id:str message_id:int",
}
"""The parameters of every method that there is, as Telegram publishes them."""

IGNORED = frozenset(
    {
        "cache_time",
        "disable_content_type_detection",
        "disable_notification",
        "disable_web_page_preview",
        "icon_color",
        "ip_address",
        "is_big",
        "is_personal",
        "link_preview_options",
        "message_effect_id",
        "need_email",
        "need_name",
        "need_phone_number",
        "need_shipping_address",
        "photo_height",
        "photo_size",
        "photo_url",
        "photo_width",
        "return_bots",
        "send_email_to_provider",
        "send_phone_number_to_provider",
    }
)
"""Parameters that are taken and change nothing that the stand-in shows."""
REFUSED = frozenset(
    {
        "allow_paid_broadcast",
        "business_connection_id",
        "certificate",
        "direct_messages_topic_id",
        "ephemeral_message_parameters",
        "icon_custom_emoji_id",
        "is_flexible",
        "max_tip_amount",
        "provider_data",
        "receiver_user_id",
        "rich_message",
        "start_parameter",
        "subscription_period",
        "suggested_post_parameters",
        "suggested_tip_amounts",
        "switch_pm_parameter",
        "switch_pm_text",
        "thumbnail",
        "video_start_timestamp",
    }
)
"""Parameters that would change what happens and that the stand-in does not have: it says so."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a method."""

    name: str
    kind: str
    required: bool


def _parse(line: str) -> dict[str, Parameter]:
    found = {}
    for word in line.split():
        name, kind = word.split(":")
        plain = name.removesuffix("!")
        found[plain] = Parameter(plain, kind, required=name.endswith("!"))
    return found


SCHEMA = {method: _parse(line) for method, line in PARAMETERS.items()}
"""The same, parsed."""
