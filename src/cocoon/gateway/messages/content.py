"""Messages and their blocks, written as the messages of a chat completion."""

from typing import Any

from cocoon.gateway.messages.blocks import Block, Message, Source
from cocoon.gateway.refusal import Refusal

MAX_MESSAGES = 2048
"""As for chat completions."""
MAX_ID = 256
"""Characters of a tool call's id."""
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

_NOT_HERE = frozenset(
    {
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "container_upload",
        "mcp_tool_use",
        "mcp_tool_result",
    }
)
_THOUGHTS = ("thinking", "redacted_thinking")
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

Chat = list[dict[str, Any]]
Part = dict[str, Any]


def chat_messages(messages: list[Message], system: str | list[Block] | None) -> Chat:
    """The conversation for ``messages`` of a chat completion.

    Turns of one role that follow each other become one, as Anthropic does. Text stays a string
    where there is nothing but text. Thoughts of the assistant go along as ``reasoning_content``
    only while its tool calls are still being answered; templates of models want no others.

    Raises:
        Refusal: 400, naming the place; its text never quotes a value.
    """
    if not 1 <= len(messages) <= MAX_MESSAGES:
        raise Refusal(f"'messages' must hold 1 to {MAX_MESSAGES} messages", param="messages")
    if messages[-1].role == "assistant":
        raise _refuse(
            f"messages.{len(messages) - 1}.role",
            "the last message must not be the assistant's: engines begin a new turn, they cannot "
            "continue one (prefill); ask for the form of the answer in 'system' or by a schema",
        )
    writer = _Writer(_open_loop(messages))
    if system:
        writer.system(system, "system")
    for number, message in enumerate(messages):
        place = f"messages.{number}"
        if message.role == "user":
            if not message.content:
                raise _refuse(f"{place}.content", "user messages must have non-empty content")
            writer.user(message.content, place)
        elif message.role == "assistant":
            writer.assistant(message.content, place, number)
        elif message.role == "system":
            writer.system(message.content, place)
        else:
            raise _refuse(f"{place}.role", "must be 'user', 'assistant' or 'system'")
    writer.close()
    if not writer.chat or writer.chat[-1]["role"] == "assistant":
        # What says nothing leaves no message: the engine would continue the turn before it.
        raise _refuse(f"messages.{len(messages) - 1}.content", "must not be empty")
    return writer.chat


def _open_loop(messages: list[Message]) -> int:
    """Number of the first message behind the last one in which the user said something."""
    for number in range(len(messages) - 1, -1, -1):
        message = messages[number]
        if message.role == "user" and not (
            isinstance(message.content, list)
            and any(block.type == "tool_result" for block in message.content)
        ):
            return number + 1
    return 0


class _Writer:
    """Collects the parts of one turn until another begins."""

    def __init__(self, open_loop: int) -> None:
        self.chat: Chat = []
        self._parts: list[Part] = []
        self._open_loop = open_loop

    def system(self, content: str | list[Block], place: str) -> None:
        """A system message; only text is allowed in it."""
        self.close()
        blocks = _blocks(content)
        for number, block in enumerate(blocks):
            if block.type != "text":
                raise _refuse(f"{place}.{number}.type", "must be 'text' here")
        text = "\n".join(_text(block, f"{place}.{at}") for at, block in enumerate(blocks))
        if text:
            self.chat.append({"role": "system", "content": text})

    def user(self, content: str | list[Block], place: str) -> None:
        """What the user says, and results of tools, which become messages of their own."""
        parts: list[Part] = []
        for number, block in enumerate(_blocks(content)):
            at = place if isinstance(content, str) else f"{place}.content.{number}"
            if block.type == "tool_result":
                parts += self._tool_result(block, at)
            else:
                parts += _parts(block, at)
        self._parts += parts

    def assistant(self, content: str | list[Block], place: str, number: int) -> None:
        """What the assistant said, thought and called."""
        self.close()
        said: list[str] = []
        thought: list[str] = []
        calls: list[Part] = []
        for at, block in enumerate(_blocks(content)):
            where = f"{place}.content.{at}"
            if block.type == "text":
                said.append(_text(block, where))
            elif block.type == "tool_use":
                calls.append(_tool_use(block, where))
            elif block.type in _THOUGHTS:
                thought.append(block.thinking or "")
            else:
                raise _unknown(block.type, where, "text, thinking and tool_use")
        turn = self._assistant_turn()
        if said:
            turn["content"] = "".join([turn.get("content") or "", *said])
        if calls:
            turn.setdefault("tool_calls", []).extend(calls)
        turn.setdefault("content", "")
        if number >= self._open_loop and any(thought):
            turn["reasoning_content"] = "".join([turn.get("reasoning_content", ""), *thought])

    def close(self) -> None:
        """Write down the user's turn."""
        if self._parts:
            self.chat.append({"role": "user", "content": _joined(self._parts)})
            self._parts = []

    def _assistant_turn(self) -> Part:
        if not self.chat or self.chat[-1]["role"] != "assistant":
            self.chat.append({"role": "assistant"})
        return self.chat[-1]

    def _tool_result(self, block: Block, place: str) -> list[Part]:
        """Writes the tool's message; images of the result stay with the user's turn."""
        identity = _identity(block.tool_use_id, f"{place}.tool_use_id")
        texts: list[str] = []
        images: list[Part] = []
        content = "" if block.content is None else block.content
        for number, inner in enumerate(_blocks(content)):
            for part in _parts(inner, f"{place}.content.{number}"):
                if part["type"] == "text":
                    texts.append(part["text"])
                else:
                    images.append(part)
        text = "\n".join(texts)
        if block.is_error:
            text = f"Error: {text}"
        self.chat.append({"role": "tool", "tool_call_id": identity, "content": text})
        return images


def _blocks(content: str | list[Block]) -> list[Block]:
    return [Block(type="text", text=content)] if isinstance(content, str) else content


def _joined(parts: list[Part]) -> str | list[Part]:
    """A string where there is only text: not every template takes parts."""
    if all(part["type"] == "text" for part in parts):
        return "\n".join(part["text"] for part in parts)
    return parts


def _parts(block: Block, place: str) -> list[Part]:
    """A block of the user as parts of a chat message."""
    if block.type == "text":
        return [_text_part(_text(block, place))]
    if block.type == "image":
        return [_image(_source(block, place), f"{place}.source")]
    if block.type == "document":
        return _document(block, place)
    if block.type == "search_result":
        return _titled(block, _blocks(block.content or ""), place)
    raise _unknown(block.type, place, "text, image, document, search_result and tool_result")


def _text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def _text(block: Block, place: str) -> str:
    if block.text is None:
        raise _refuse(f"{place}.text", "is required")
    return block.text


def _source(block: Block, place: str) -> Source:
    if not isinstance(block.source, Source):
        raise _refuse(f"{place}.source", "must be an object")
    return block.source


def _image(source: Source, place: str) -> Part:
    if source.type == "base64":
        if source.media_type not in IMAGE_TYPES:
            raise _refuse(f"{place}.media_type", f"must be one of {', '.join(sorted(IMAGE_TYPES))}")
        if not source.data or not _is_base64(source.data):
            raise _refuse(f"{place}.data", "must be base64")
        return _image_part(f"data:{source.media_type};base64,{source.data}")
    if source.type == "url":
        raise _refuse(f"{place}.type", "workers fetch nothing; send the image as base64")
    raise _refuse(f"{place}.type", "must be 'base64': there is no store of files here")


def _is_base64(data: str) -> bool:
    return data.isascii() and not data.encode().translate(None, _BASE64)


def _image_part(url: str) -> Part:
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: Block, place: str) -> list[Part]:
    source = _source(block, place)
    if source.type == "text" and source.data is not None:
        return _titled(block, [Block(type="text", text=source.data)], place)
    if source.type == "content" and source.content is not None:
        return _titled(block, _blocks(source.content), place)
    raise _refuse(
        f"{place}.source.type",
        "must be 'text' or 'content': nothing here reads PDFs or stored files; send the text",
    )


def _titled(block: Block, content: list[Block], place: str) -> list[Part]:
    """Text of a document below its title and context."""
    head = [text for text in (block.title, block.context) if text]
    parts: list[Part] = [_text_part("\n".join(head))] if head else []
    for number, inner in enumerate(content):
        at = f"{place}.content.{number}"
        if inner.type not in ("text", "image"):
            raise _unknown(inner.type, at, "text and image")
        parts += _parts(inner, at)
    return parts


def _tool_use(block: Block, place: str) -> Part:
    text = bytes(block.input)
    if not text.startswith(b"{"):
        raise _refuse(f"{place}.input", "must be an object")
    if not block.name or len(block.name) > MAX_ID:
        raise _refuse(f"{place}.name", f"must have 1 to {MAX_ID} characters")
    return {
        "id": _identity(block.id, f"{place}.id"),
        "type": "function",
        "function": {"name": block.name, "arguments": text.decode()},
    }


def _identity(value: str | None, place: str) -> str:
    if not value or len(value) > MAX_ID:
        raise _refuse(place, f"must have 1 to {MAX_ID} characters")
    return value


def _unknown(kind: str, place: str, known: str) -> Refusal:
    if kind in _NOT_HERE:
        return _refuse(f"{place}.type", "belongs to a tool that runs at Anthropic; none does here")
    return _refuse(f"{place}.type", f"is not understood; these are: {known}")


def _refuse(place: str, text: str) -> Refusal:
    return Refusal(f"{place}: {text}", param=place)
