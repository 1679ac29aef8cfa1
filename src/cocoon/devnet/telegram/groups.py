"""Groups and their topics.

Sources: https://core.telegram.org/bots/api#forumtopiccreated, #chatmemberupdated.
"""

from cocoon.devnet.telegram.answers import Json
from cocoon.devnet.telegram.messages import TOPIC_COLOUR, add_message
from cocoon.devnet.telegram.people import Person
from cocoon.devnet.telegram.views import ChatView


class Group(ChatView):
    """A group with the bot in it."""

    def add(self, person: Person) -> None:
        """Adds a person without a message about it."""
        self.state.members.add(person.id)

    async def topic(self, person: Person, name: str) -> int:
        """A person opens a topic; gives its thread id.

        Raises:
            LookupError: the group has no topics.
        """
        if not self.state.forum:
            raise LookupError("the group has no topics")
        return open_topic(self, person, name)

    async def remove_bot(self, person: Person) -> None:
        """A person takes the bot out: it can write no more."""
        self.state.bot_in = False
        self._status_changed(person, "member", "left")

    async def add_bot(self, person: Person) -> None:
        """A person brings the bot back."""
        self.state.bot_in = True
        self._status_changed(person, "left", "member")

    def _status_changed(self, person: Person, old: str, new: str) -> None:
        bot = self._world.bot.user()
        self._world.updates.put(
            "my_chat_member",
            {
                "chat": self.state.json(),
                "from": person.account.user(),
                "date": self._world.now(),
                "old_chat_member": {"user": bot, "status": old},
                "new_chat_member": {"user": bot, "status": new},
            },
        )


def open_topic(chat: ChatView, person: Person, name: str) -> int:
    """Opens a topic in a forum, or in a private chat that has topics."""
    world, state = chat._world, chat.state
    created: Json = {"name": name, "icon_color": TOPIC_COLOUR}
    message = add_message(world, state, person.account.user(), {"forum_topic_created": created})
    thread = int(message["message_id"])
    message |= {"message_thread_id": thread, "is_topic_message": True}
    state.topics[thread] = name
    world.updates.put("message", dict(message))
    return thread
