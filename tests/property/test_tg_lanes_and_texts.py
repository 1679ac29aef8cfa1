"""Turns of answers, conversations that fit, amounts and texts, for any input and order."""

from hypothesis import given
from hypothesis import strategies as st

from cocoon.accounting import Nano
from cocoon.errors import ConfigError
from cocoon.telegram.assistant.values import Turn
from cocoon.telegram.bot.amounts import ton
from cocoon.telegram.bot.conversation import fitting
from cocoon.telegram.bot.lanes import Lanes, Running
from cocoon.telegram.bot.texts import placeholders, read_texts
from cocoon.telegram.settings import Limits

STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 12), st.booleans()), max_size=60
)


@given(STEPS)
def test_one_answer_of_a_chat_runs_and_none_runs_twice(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    limits = Limits(queued_per_chat=2, answers_at_once=2, answers_in_all=5)
    lanes = Lanes(limits)
    taken: set[str] = set()
    for user, chat, reference, is_end in steps:
        inside = lanes.of_chat(str(chat))
        if is_end and inside:
            lanes.leave(inside[0])
        elif not is_end:
            one = Running(user, str(chat), str(reference))
            refusal = lanes.enter(one)
            assert refusal != "duplicate" or str(reference) in taken
            if refusal is None:
                assert str(reference) not in taken
                taken.add(str(reference))
        everything = lanes.all
        assert len(everything) <= limits.answers_in_all
        assert len(everything) == sum(len(lanes.of_user(user)) for user in range(4))
        for each in range(4):
            lane = lanes.of_chat(str(each))
            assert len(lane) <= limits.queued_per_chat + 1
            assert [one.turn.is_set() for one in lane] == [n == 0 for n in range(len(lane))]


TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.text(max_size=20)))


@given(TURNS, st.text(max_size=20), st.integers(-10, 200))
def test_what_goes_along_fits_and_begins_with_the_person(
    said: list[tuple[str, str]], question: str, room: int
) -> None:
    history = [Turn(role, text) for role, text in said]  # type: ignore[arg-type]
    asked = Turn("user", question)
    found = fitting(history, asked, room)
    assert found[-1] is asked
    assert found[0].role == "user"
    assert list(found[:-1]) == history[len(history) - len(found) + 1 :]
    assert len(found) == 1 or sum(len(turn.text) for turn in found) <= room


@given(st.integers(0, 2**62))
def test_amounts_round_towards_honesty(nano: int) -> None:
    def value(text: str) -> int:
        whole, _, rest = text.removesuffix(" TON").partition(".")
        return int(whole) * 10**9 + int(rest.ljust(9, "0") or "0")

    left, cost = value(ton(Nano(nano))), value(ton(Nano(nano), is_cost=True))
    assert left <= nano <= cost
    assert (cost - left) * 100 <= max(nano, 100) + 100


@given(st.binary(max_size=400))
def test_any_file_of_texts_is_read_or_refused(data: bytes) -> None:
    try:
        texts = read_texts("de.toml", data)
    except ConfigError:
        return
    for text in texts.values():
        text.format_map(dict.fromkeys(placeholders(text), "x"))
