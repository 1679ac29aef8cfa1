from fractions import Fraction

import hypothesis.strategies as st
from hypothesis import given, settings

from cocoon.accounting import MAX_AMOUNT, LowerClaim, Nano, PaymentReceiver, PriceList, TokenCounts
from cocoon.accounting.price import adjust, upper_bound
from cocoon.errors import CocoonError, PaymentError

counts = st.integers(0, 10**7)
coefficients = st.integers(0, 100_000)
multipliers = st.integers(0, 10**6)


@given(counts, coefficients, multipliers)
def test_adjusting_is_exact_up_to_the_known_rounding(
    count: int, coefficient: int, multiplier: int
) -> None:
    exact = Fraction(count * coefficient * multiplier, 10**7)
    result = adjust(count, coefficient, multiplier)
    assert int(exact) - 1 <= result <= int(exact) + 1
    if exact < 2**29 and exact.denominator > 1:
        assert result == int(exact), "only integers come out one lower"


@given(st.integers(0, MAX_AMOUNT), st.integers(0, 2**31 - 1), st.integers(0, 2**32 - 1))
def test_the_bound_holds_over_the_whole_range(
    count: int, coefficient: int, multiplier: int
) -> None:
    try:
        result = adjust(count, coefficient, multiplier)
        bound = upper_bound(count * multiplier, coefficient)
    except PaymentError:
        return
    assert result <= bound


price_lists = st.builds(
    PriceList,
    st.just(Nano(20)),
    st.just(Nano(14)),
    multipliers,
    multipliers,
    multipliers,
    multipliers,
)


@settings(max_examples=400)
@given(
    prices=price_lists,
    query_bytes=st.integers(0, 10**6),
    max_tokens=st.just(0) | st.integers(0, 10**6),
    max_coefficient=coefficients,
    data=st.data(),
)
def test_a_charge_never_exceeds_its_reservation(
    prices: PriceList, query_bytes: int, max_tokens: int, max_coefficient: int, data: st.DataObject
) -> None:
    def up_to(limit: int) -> int:
        """Anything in range, but the edges more often than chance has it."""
        return data.draw(st.just(limit) | st.sampled_from([0, limit]) | st.integers(0, limit))

    prompt, completion = up_to(query_bytes), up_to(max_tokens)
    usage = TokenCounts(prompt, up_to(prompt), completion, up_to(completion))
    coefficient = up_to(max_coefficient)
    total = usage.adjusted(coefficient, prices).total
    assert total <= prices.reservation(query_bytes, max_tokens, max_coefficient)


claims = st.tuples(
    st.none() | st.integers(-2, 50).map(lambda n: b"%d" % n) | st.just(b"forged"),
    st.integers(-2, 50),
    st.integers(-2, 50),
)


@given(st.sampled_from(LowerClaim), st.lists(claims, max_size=20))
def test_a_receiver_never_forgets(
    lower: LowerClaim, statements: list[tuple[bytes | None, int, int]]
) -> None:
    def read(envelope: bytes) -> int:
        if envelope == b"forged":
            raise PaymentError("signature does not verify")
        return int(envelope)

    receiver = PaymentReceiver(read, lower)
    for statement in statements:
        before = receiver.known
        try:
            receiver.receive(*statement)
        except CocoonError:
            assert receiver.known is before
        after = receiver.known
        assert before.signed <= after.signed <= after.db <= after.max
        assert before.db <= after.db
        assert before.max <= after.max
        assert (after.envelope is None and after.signed == 0) or (
            after.envelope == b"%d" % after.signed
        )
