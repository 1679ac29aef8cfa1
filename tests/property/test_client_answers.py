"""Any order of events about a request: it ends at most once, and a reader never hangs."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.client.answer import STEPS, Answer, AnswerState, Step
from cocoon.client.spending import Spending
from cocoon.errors import PaymentError, RemoteProtocolError, RequestError, UnavailableError
from cocoon.tl import types as t
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted, FinalInfo

ID = bytes(32)
FINAL = FinalInfo()
HEAD = t.HttpResponse("HTTP/1.1", 200, "OK", (), b"head").to_bytes()

finals = st.sampled_from([None, FINAL])
events = st.one_of(
    st.builds(AnswerStarted, st.just(ID), st.sampled_from([HEAD, b"", b"bad"]), finals),
    st.builds(AnswerPart, st.just(ID), st.binary(max_size=4), finals),
    st.builds(
        AnswerFailed, st.just(ID), st.integers(-(2**31), 2**31 - 1), st.text(max_size=5), finals
    ),
    st.sampled_from(["link lost", "deadline", "abandoned", "read"]),
)


@given(st.lists(events, max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_order_of_events_ends(script: list[object]) -> None:
    asyncio.run(_play(script))


async def _play(script: list[object]) -> None:  # noqa: PLR0912  one branch an event
    ends: list[Answer] = []
    answer = Answer(ID, asyncio.get_running_loop().time, ends.append, tells_worker=True)
    body: list[bytes] = []
    reader = asyncio.create_task(_read(answer, body))
    expected = b""
    broke = False
    for event in script:
        before = answer.state
        if event == "read":
            await asyncio.sleep(0)
        elif event == "link lost":
            answer.fail(UnavailableError("lost"))
        elif event == "deadline":
            answer.expire(1.0)
        elif event == "abandoned":
            answer.fail(UnavailableError("abandoned"))
        else:
            try:
                answer.receive(event)  # type: ignore[arg-type]
            except RemoteProtocolError:
                assert answer.state is before, "a refused step changes nothing"
                broke = True
                answer.fail(UnavailableError("the link is closed then"))
            else:
                assert before in (AnswerState.WAITING, AnswerState.STREAMING)
                if isinstance(event, AnswerStarted) and event.response == HEAD:
                    expected += b"head"
                elif isinstance(event, AnswerPart):
                    expected += event.data
        assert len(ends) == answer.ended
    answer.expire(1.0)  # the timer always comes
    outcome = await asyncio.wait_for(reader, 5)
    assert len(ends) == 1
    assert answer.ended
    if answer.head is not None:
        assert b"".join(body) == expected
    if answer.state is AnswerState.COMPLETE:
        assert outcome is None
        assert not broke or answer.final is not None
    else:
        assert isinstance(outcome, RequestError)


async def _read(answer: Answer, body: list[bytes]) -> RequestError | None:
    try:
        await answer.wait_head()
        while (data := await answer.next_bytes()) is not None:
            body.append(data)
    except RequestError as error:
        return error
    return None


def test_every_pair_of_state_and_step_is_decided() -> None:
    for state in (AnswerState.COMPLETE, AnswerState.FAILED):
        assert not any((state, step) in STEPS for step in Step)


moves = st.lists(
    st.tuples(
        st.sampled_from(["sent", "told", "check", "begin"]),
        st.integers(0, 4),
        st.integers(0, 100),
    ),
    max_size=40,
)


@given(moves)
def test_spending_never_goes_below_what_was_told(script: list[tuple[str, int, int]]) -> None:
    books = Spending()
    running: dict[bytes, int] = {}
    told = unexplained = 0
    fresh = 0
    for move, number, amount in script:
        request_id = number.to_bytes(32, "big")
        if move == "sent" and request_id not in running:
            running[request_id] = amount
            books.sent(request_id, amount)
        elif move == "told":
            bound = running.get(request_id)
            try:
                books.told(request_id, amount)
            except PaymentError:
                assert bound is not None
                assert amount > bound
                continue
            if bound is not None:
                del running[request_id]
                told += amount
        elif move == "check":
            excess = books.check(amount * 3)
            unexplained += excess
            fresh += excess
            assert excess >= 0
        elif move == "begin":
            before = books.most
            books.begin(amount)
            assert amount <= books.most  # what was stated is explained
            # What runs on stays open, and only a statement beyond everything known adds to it.
            told = amount if amount > before else min(told + fresh, amount)
            fresh = 0
        assert books.most == told + fresh + sum(running.values())
        assert books.unexplained == unexplained
