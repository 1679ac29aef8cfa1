"""Any body of the Mini App becomes a checked question or is refused, without a quote of it."""

import contextlib
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cocoon.errors import CocoonError
from cocoon.telegram.web.failures import ApiError, failure
from cocoon.telegram.web.limits import Places, Rates
from cocoon.telegram.web.reading import MAX_IMAGES, MAX_MESSAGES, decode, query, read_question
from cocoon.telegram.web.shapes import ChatRequest, SessionRequest, TopupRequest
from cocoon.testing.served_mini_app import settings

SETTINGS = settings(Path("/nowhere"))
words = st.text(max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]) | words, "content": words},
        optional={"images": st.lists(words, max_size=4), "x": json_values},
    ),
    max_size=5,
)
questions = st.fixed_dictionaries(
    {"id": st.from_regex(r"[A-Za-z0-9_-]{22,64}", fullmatch=True) | words, "messages": messages},
    optional={
        "model": words,
        "price_class": st.sampled_from(["", "economy", "standard", "any"]) | words,
        "system": words,
        "max_tokens": st.none() | st.integers(),
    },
)


def refusal(call: Callable[[], object]) -> ApiError | None:
    try:
        call()
    except ApiError as error:
        return error
    return None


@given(questions.map(json.dumps).map(str.encode) | st.binary(max_size=400))
def test_a_question_is_checked_or_refused(body: bytes) -> None:
    try:
        asked = read_question(42, decode(body, ChatRequest), SETTINGS)
    except ApiError as error:
        told = failure(error)
        assert told.status in (400, 413)
        assert told.body.code in ("invalid", "too_large")
        return
    sent = json.loads(body)
    assert asked.reference == f"app:42:{sent['id']}"
    assert [turn.text for turn in asked.turns] == [one["content"] for one in sent["messages"]]
    assert asked.turns[-1].role == "user"
    assert len(asked.turns) <= MAX_MESSAGES
    assert sum(len(turn.images) for turn in asked.turns) <= MAX_IMAGES
    assert asked.max_tokens is not None
    assert 0 < asked.max_tokens <= SETTINGS.assistant.max_tokens
    assert asked.max_coefficient in SETTINGS.assistant.price_classes.values()


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x4FFF), min_size=4), json_values)
def test_refusals_quote_nothing(secret: str, more: object) -> None:
    bodies = (
        {"id": secret, "messages": [{"role": secret, "content": secret, secret: more}]},
        {"id": "a" * 22, "messages": [{"role": "user", "content": "x"}], "model": more, secret: 1},
        {"init_data": more, "nonce": secret, secret: more},
        {"method": secret, "nano": more},
    )
    for body in bodies:
        for kind in (ChatRequest, SessionRequest, TopupRequest):
            told = refusal(partial(decode, json.dumps(body).encode(), kind))
            assert secret not in str(told)


@given(st.binary(max_size=2000))
def test_query_strings(text: bytes) -> None:
    with contextlib.suppress(ApiError):
        found = query(text)
        assert all(isinstance(value, str) for value in found.values())


@given(st.lists(st.tuples(st.integers(1, 3), st.floats(0, 30)), max_size=60), st.integers(1, 20))
def test_nobody_calls_more_often_than_allowed(
    calls: list[tuple[int, float]], per_minute: int
) -> None:
    now = 0.0
    rates = Rates(per_minute, lambda: now)
    taken: dict[int, list[float]] = {}
    for user, pause in calls:
        now += pause
        told = refusal(partial(rates.take, user))
        if told is not None:
            assert told.retry_after is not None
            assert 0 < told.retry_after <= 60.0 / per_minute + 1e-6
            continue
        taken.setdefault(user, []).append(now)
    for times in taken.values():
        for at in times:
            within = [one for one in times if at <= one < at + 60.0]
            assert len(within) <= 2 * per_minute


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4), st.booleans()), max_size=40))
def test_every_place_is_given_back(steps: list[tuple[int, int, bool]]) -> None:
    places = Places(2, 4, 100)
    with contextlib.ExitStack() as open_ones:
        for user, name, end in steps:
            if end:
                open_ones.close()
                assert places.running == 0
            with contextlib.suppress(CocoonError):
                open_ones.enter_context(places.enter(user, str(name), 10 * name))
            assert places.running <= 4
    assert places.running == 0
    places.hold(100)  # all memory is there again
