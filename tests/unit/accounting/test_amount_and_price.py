import pytest

from cocoon.accounting import (
    MAX_AMOUNT,
    AdjustedUsage,
    Nano,
    PriceList,
    TokenCounts,
    Tokens,
    official_reservation,
)
from cocoon.errors import PaymentError

MAIN_NET = PriceList(Nano(20), Nano(14), 10_000, 1_000, 80_000, 80_000)


def test_amounts_stay_amounts() -> None:
    assert type(Nano(1) + Nano(2)) is Nano
    assert type(Tokens(5) - Tokens(2)) is Tokens
    assert type(Nano(3) * 2) is type(2 * Nano(3)) is Nano
    assert type(sum([Tokens(1), Tokens(2)])) is Tokens
    assert max(Nano(1), Nano(2)) == 2


def test_amounts_are_integers_for_databases_and_wire() -> None:
    assert f"{Tokens(5)}" == str(Tokens(5)) == "5"
    assert repr(Nano(5)) == "Nano(5)"
    assert {5: "x"}[Tokens(5)] == "x"


@pytest.mark.parametrize("value", [-1, MAX_AMOUNT + 1])
def test_out_of_range(value: int) -> None:
    with pytest.raises(PaymentError):
        Nano(value)


def test_arithmetic_out_of_range() -> None:
    with pytest.raises(PaymentError):
        Nano(1) - Nano(2)
    with pytest.raises(PaymentError):
        Nano(MAX_AMOUNT) + Nano(1)
    with pytest.raises(PaymentError):
        Nano(MAX_AMOUNT) * 2


@pytest.mark.parametrize("value", [1.0, "1", True, None])
def test_only_integers_become_amounts(value: object) -> None:
    with pytest.raises(TypeError):
        Tokens(value)  # type: ignore[arg-type]


def test_kinds_do_not_mix() -> None:
    for mix in (
        lambda: Nano(1) + Tokens(1),
        lambda: Nano(1) - Tokens(1),
        lambda: Nano(1) * Tokens(1),
        lambda: Nano(1) + 1,
        lambda: 1 + Nano(1),
        lambda: 1 - Nano(1),
        lambda: Nano(1) / 2,
        lambda: Nano(1) * 1.5,
    ):
        with pytest.raises(TypeError):
            mix()


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0 TON"),
        (1, "0.000000001 TON"),
        (1_500_000_000, "1.5 TON"),
        (20 * 10**9, "20 TON"),
        (MAX_AMOUNT, "9223372036.854775807 TON"),
    ],
)
def test_ton_text(nano: int, text: str) -> None:
    assert Nano(nano).ton() == text


def test_cost_and_fee() -> None:
    assert MAIN_NET.cost(Tokens(1000)) == Nano(20_000)
    assert MAIN_NET.fee(Tokens(1000)) == Nano(14_000)
    with pytest.raises(PaymentError):
        MAIN_NET.cost(Tokens(MAX_AMOUNT))


def test_official_reservation_ignores_the_multipliers_and_ours_does_not() -> None:
    assert official_reservation(500, 1000, 4000) == 6000
    assert MAIN_NET.reservation(500, 1000, 4000) == (500 + 8 * 1000) * 4
    worst = TokenCounts(500, 0, 1000, 0).adjusted(4000, MAIN_NET).total
    assert official_reservation(500, 1000, 4000) < worst
    assert worst <= MAIN_NET.reservation(500, 1000, 4000)


@pytest.mark.parametrize("args", [(-1, 1, 1), (1, -1, 1), (1, 1, -1), (2**63 - 1, 2**63 - 1, 4000)])
def test_reservations_of_nonsense_are_refused(args: tuple[int, int, int]) -> None:
    with pytest.raises(PaymentError):
        MAIN_NET.reservation(*args)
    with pytest.raises(PaymentError):
        official_reservation(*args)


def test_multipliers_are_32_bit() -> None:
    with pytest.raises(PaymentError):
        PriceList(Nano(1), Nano(1), 2**32)


def test_engine_counts_are_cut_to_their_whole() -> None:
    assert TokenCounts.from_engine(10, 12, 5, 7) == TokenCounts(10, 10, 5, 5)
    with pytest.raises(PaymentError):
        TokenCounts.from_engine(-1, 0, 0, 0)


def test_usage_from_a_peer_must_add_up() -> None:
    usage = AdjustedUsage.from_wire(1, 2, 3, 4, 10)
    assert usage.total == 10
    for bad in [(1, 2, 3, 4, 11), (-1, 2, 3, 4, 8), (2**62, 2**62, 0, 0, 2**63)]:
        with pytest.raises(PaymentError):
            AdjustedUsage.from_wire(*bad)
