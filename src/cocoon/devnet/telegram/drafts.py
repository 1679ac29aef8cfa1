"""Partial answers: ``sendMessageDraft``.

Source: https://core.telegram.org/bots/api#sendmessagedraft: a preview for 30 seconds in a private
chat, gone when the bot sends a message there; ``can_stop`` shows a button that makes the update
``stopped_message_generation``. Not published, read here so: what the bot streams into a stopped
draft is taken and not shown.
"""

from cocoon.devnet.telegram.answers import Json, bad_request
from cocoon.devnet.telegram.limits import DRAFT_LIFE
from cocoon.devnet.telegram.values import ChatState, Draft
from cocoon.devnet.telegram.world import World


def show_draft(
    world: World, chat: ChatState, thread: int | None, arguments: Json, text: str, shown: list[Json]
) -> None:
    """Shows a draft or its next version.

    Raises:
        BotApiError: 400.
    """
    number = int(arguments["draft_id"])
    if number == 0:
        raise bad_request("wrong draft identifier specified")
    if chat.is_group:
        raise bad_request("TEXTDRAFT_PEER_INVALID")
    if (chat.id, thread, number) in world.stopped_drafts:
        world.drafts_after_stop += 1
        return
    now = world.clock.time()
    before = chat.drafts.get(thread)
    if before is not None and (before.id != number or before.expires <= now):
        world.drop_draft(chat, thread, "replaced")
    draft = Draft(
        chat.id,
        thread,
        number,
        text,
        shown,
        bool(arguments.get("can_stop")),
        bool(arguments.get("keep_on_stop")),
        now + DRAFT_LIFE,
    )
    chat.drafts[thread] = draft
    world.changed("draft", chat.id, draft.json())


def stop_draft(world: World, draft: Draft) -> None:
    """What the Stop button does: the bot is told, and the draft goes unless it is to be kept."""
    chat = world.chats[draft.chat]
    world.stopped_drafts.append((chat.id, draft.thread, draft.id))
    draft.stopped = True
    stopped: Json = {"chat": chat.json(), "draft_id": draft.id}
    if draft.thread is not None:
        stopped["message_thread_id"] = draft.thread
    world.updates.put("stopped_message_generation", stopped)
    if draft.keep_on_stop:
        world.changed("draft", chat.id, draft.json())
    else:
        world.drop_draft(chat, draft.thread, "stopped")
