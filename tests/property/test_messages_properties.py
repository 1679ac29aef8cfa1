"""A chat stream means the same however its bytes are split; bodies are read or refused."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cocoon.gateway.answers.chat_stream import ChatReader, ReasoningDelta, TextDelta
from cocoon.gateway.messages import read_messages
from cocoon.gateway.messages.answer import Wanted
from cocoon.gateway.messages.count import estimate
from cocoon.gateway.messages.request import read_prompt
from cocoon.gateway.messages.stream import MessagesStream
from cocoon.gateway.reading.incoming import Incoming
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
SAID = st.sampled_from(["content", "reasoning_content", "reasoning", "refusal"])
FUNCTION = st.fixed_dictionaries(
    {}, optional={"name": st.sampled_from(["f", "g", None]), "arguments": TEXT}
)
PIECE = st.fixed_dictionaries(
    {"function": FUNCTION},
    optional={"index": st.integers(0, 2), "id": st.sampled_from(["a", "b", None])},
)
DELTA = st.dictionaries(SAID, TEXT | st.none(), max_size=2) | st.fixed_dictionaries(
    {"tool_calls": st.lists(PIECE, max_size=2)}
)
CHOICE = st.fixed_dictionaries(
    {"delta": DELTA},
    optional={
        "index": st.integers(0, 1),
        "finish_reason": st.sampled_from([None, "stop", "length", "abort"]),
        "stop_reason": st.none() | st.integers() | TEXT,
    },
)
USAGE = st.fixed_dictionaries({"prompt_tokens": st.integers(0, 99)})
CHUNK = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, max_size=2)},
    optional={"usage": st.none() | USAGE, "error": st.none() | TEXT},
)
END = st.sampled_from(["\n\n", "\r\n\r\n", "\r\r", "\n\n\n", "\n: ping\n\n"])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    text = ""
    for chunk in draw(st.lists(CHUNK, max_size=6)):
        space = draw(st.sampled_from(["", " "]))
        text += f"data:{space}{json.dumps(chunk)}{draw(END)}"
    return (text + draw(st.sampled_from(["", "data: [DONE]\n\n", "data: [DONE]"]))).encode()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


def read(parts: list[bytes]) -> list[Any]:
    reader = ChatReader()
    events: list[Any] = []
    try:
        for part in parts:
            events += reader.feed(part)
        events += reader.finish()
    except Exception as error:
        return [type(error), str(error)]
    return events


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(streams(), CUTS)
def test_any_split_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    whole = read([data])
    assert read(pieces(data, cuts)) == whole
    assert read([data[at : at + 1] for at in range(len(data))]) == whole


@given(st.lists(st.tuples(st.sampled_from(["content", "reasoning"]), TEXT)), CUTS)
def test_every_character_arrives(said: list[tuple[str, str]], cuts: list[int]) -> None:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {name: text}}]} for name, text in said]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    data = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
    stream = MessagesStream(Wanted("demo", thinking=True), "msg_1")
    out = stream.begin() + b"".join(map(stream.feed, pieces(data, cuts))) + stream.finish()
    shown: dict[str, str] = {"text": "", "thinking": ""}
    opened: list[int] = []
    for event in out.decode().split("\n\n")[:-1]:
        value = json.loads(event.partition("\ndata: ")[2])
        if value["type"] == "content_block_start":
            assert value["index"] == len(opened)
            opened.append(1)
        elif value["type"] == "content_block_stop":
            assert opened[value["index"]] == 1
            opened[value["index"]] = 0
        elif value["type"] == "content_block_delta":
            assert opened[value["index"]] == 1
            for name in shown.keys() & value["delta"].keys():
                shown[name] += value["delta"][name]
    assert not any(opened)
    assert shown["text"] == "".join(text for name, text in said if name == "content")
    assert shown["thinking"] == "".join(text for name, text in said if name == "reasoning")
    kinds = {"content": TextDelta, "reasoning": ReasoningDelta}
    events = read([data])[:-1]
    assert events == [kinds[name](text) for name, text in said if text]


LEAVES = st.none() | st.booleans() | st.integers(-5, 5000) | TEXT
NAMES = st.sampled_from(
    [
        "model",
        "max_tokens",
        "messages",
        "role",
        "content",
        "type",
        "text",
        "source",
        "data",
        "id",
        "name",
        "input",
        "tool_use_id",
        "user",
        "assistant",
        "tools",
        "tool_choice",
        "thinking",
        "budget_tokens",
        "stop_sequences",
        "system",
        "input_schema",
    ]
)
VALUES = st.recursive(
    LEAVES | NAMES,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(NAMES, v, max_size=4),
    max_leaves=12,
)
KNOWN = st.fixed_dictionaries(
    {
        "model": st.just("demo"),
        "max_tokens": st.integers(1, 5000),
        "messages": st.lists(
            st.fixed_dictionaries(
                {
                    "role": st.sampled_from(["user", "assistant", "user"]),
                    "content": TEXT | st.lists(VALUES, max_size=3),
                }
            ),
            min_size=1,
            max_size=3,
        ),
    },
    optional={
        "tools": VALUES,
        "tool_choice": VALUES,
        "thinking": VALUES,
        "system": VALUES,
        "output_config": VALUES,
        "metadata": VALUES,
        "stop_sequences": VALUES,
    },
)


@given(KNOWN | st.dictionaries(NAMES, VALUES, max_size=6))
def test_a_body_is_read_or_refused(members: dict[str, Any]) -> None:
    incoming = Incoming("/v1/messages", json.dumps(members).encode())
    try:
        call = read_messages(incoming, SETTINGS)
    except Refusal:
        return
    sent = json.loads(call.request.body)
    assert call.request.max_tokens == sent["max_tokens"] == members["max_tokens"]
    assert sent["messages"][-1]["role"] in ("user", "tool", "system")
    assert estimate(read_prompt(incoming, SETTINGS).chat) > 0
