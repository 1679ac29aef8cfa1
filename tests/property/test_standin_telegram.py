"""What holds for any text, entities, calls and offsets at the stand-in for Telegram."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cocoon.devnet.telegram.answers import BotApiError, Json
from cocoon.devnet.telegram.arguments import read_arguments
from cocoon.devnet.telegram.entities import CODE, KINDS, check_entities
from cocoon.devnet.telegram.formatting import read_text
from cocoon.devnet.telegram.limits import Cost, RateLimiter, Rates
from cocoon.devnet.telegram.schema import SCHEMA
from cocoon.devnet.telegram.text import cut, detect, units
from cocoon.devnet.telegram.updates import UpdateQueue

TEXTS = st.text(st.sampled_from("aя🙂 \n<b>/@#&;"), max_size=40)
ENTITIES = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(sorted(KINDS)),
            "offset": st.integers(-1, 45),
            "length": st.integers(-1, 45),
            "url": st.just("https://example.org"),
            "user": st.just({"id": 1}),
            "custom_emoji_id": st.just("1"),
            "unix_time": st.just(1),
        }
    ),
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def check_refusal(refused: BotApiError) -> None:
    assert refused.code in {400, 404, 429}
    assert refused.body()["description"]
    assert (refused.code == 429) == (1 <= (refused.retry_after or 0) <= 60)


@given(TEXTS, ENTITIES)
def test_entities_that_pass_nest_and_lie_on_letters(text: str, entities: list[Json]) -> None:
    try:
        shown = check_entities(text, entities)
    except BotApiError as refused:
        check_refusal(refused)
        return
    for entity in shown:
        cut(text, entity).encode()
    for one in shown:
        for other in shown:
            begin, end = one["offset"], one["offset"] + one["length"]
            first, last = other["offset"], other["offset"] + other["length"]
            apart = end <= first or last <= begin
            inside = (begin <= first and last <= end) or (first <= begin and end <= last)
            assert apart or inside
            if not apart and one is not other and one["type"] in CODE:
                assert other["type"] in {"blockquote", "expandable_blockquote"}


@given(TEXTS, ENTITIES)
def test_trimming_keeps_what_entities_cover(text: str, entities: list[Json]) -> None:
    arguments = {"text": text, "entities": entities}
    try:
        shown, kept = read_text(arguments, "text", "entities", 4096, too_long="too long")
        before = check_entities(text, entities)
    except BotApiError:
        return
    assert shown == text.strip()
    covered = [cut(text, entity).strip() for entity in before]
    assert [cut(shown, entity).strip() for entity in kept] == [part for part in covered if part]


@given(TEXTS)
def test_detected_entities_are_entities(text: str) -> None:
    for entity in detect(text):
        assert units(cut(text, entity)) == entity["length"]


@given(
    st.sampled_from(sorted(SCHEMA)),
    st.dictionaries(st.text(max_size=6), JSON, max_size=4),
    st.data(),
)
def test_arguments_have_the_published_kinds(
    method: str, values: dict[str, Any], data: st.DataObject
) -> None:
    for name in SCHEMA[method]:
        if data.draw(st.booleans()):
            values[name] = data.draw(JSON)
    try:
        read = read_arguments(method, values, {})
    except BotApiError as refused:
        check_refusal(refused)
        return
    shapes = {"int": int, "str": str, "bool": bool, "list": list, "json": dict, "file": str}
    for name, value in read.items():
        kind = SCHEMA[method][name].kind
        assert isinstance(value, (int, str) if kind == "chat" else shapes[kind])


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(1, 3)), max_size=150))
def test_no_more_is_admitted_than_the_limits_say(calls: list[tuple[float, int]]) -> None:
    limiter, now = RateLimiter(Rates()), 0.0
    admitted: list[tuple[float, int]] = []
    for pause, chat in calls:
        now += pause
        try:
            limiter.admit(now, Cost.MESSAGE, chat, group=chat == 3)
        except BotApiError as refused:
            check_refusal(refused)
            continue
        admitted.append((now, chat))
    for at, chat in admitted:
        within = [when for when, _ in admitted if at <= when < at + 0.999]
        assert len(within) <= 30
        same = [when for when, other in admitted if other == chat and at <= when <= at + 10]
        assert len(same) <= 3 + 10 + 1
    assert len([when for when, chat in admitted if chat == 3 and when < 59]) <= 20


@given(st.lists(st.sampled_from(["put", "take", "confirm"]), max_size=40))
def test_every_update_is_seen_until_it_is_confirmed(steps: list[str]) -> None:
    queue = UpdateQueue(lambda: 0.0)
    open_: list[int] = []
    for step in steps:
        if step == "put":
            number = queue.put("message", {})
            assert number is not None
            open_.append(number)
        elif step == "take":
            assert [update["update_id"] for update in queue.take(None, 100)] == open_
        elif open_:
            first = open_.pop(0)
            queue.take(first + 1, 1)
    assert open_ == sorted(open_)
