import threading

from cocoon.collateral.wanted import Wanted, WantedRule


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def notes(rule: WantedRule | None = None) -> tuple[Wanted, Clock]:
    clock = Clock()
    return Wanted(clock, rule=rule, randrange=lambda count: count - 1), clock


def test_a_note_is_taken_once():
    wanted, _ = notes()
    woken = []
    wanted.on_add = lambda: woken.append(1)
    for _ in range(5):
        wanted.add("tdx", "a")
    assert len(wanted) == len(woken) == 1
    assert wanted.take() == ("tdx", "a")
    assert wanted.take() is None
    assert wanted.wait() is None


def test_notes_are_given_out_slowly():
    wanted, clock = notes(WantedRule(burst=2, interval=10.0))
    for key in "abcd":
        wanted.add("tdx", key)
    assert [wanted.take(), wanted.take(), wanted.take()] == [("tdx", "a"), ("tdx", "b"), None]
    assert wanted.wait() == 10.0
    clock.now = 9.9
    assert wanted.take() is None
    clock.now = 10.0
    assert wanted.take() == ("tdx", "c")
    clock.now = 1000.0
    wanted.add("tdx", "e")
    wanted.add("tdx", "f")
    assert [wanted.take() for _ in range(3)] == [("tdx", "d"), ("tdx", "e"), None]


def test_a_flood_is_bounded_and_keeps_nobody_out():
    wanted, _ = notes(WantedRule(capacity=8))
    for number in range(10_000):
        wanted.add("tdx", str(number))
    assert len(wanted) == 8
    wanted.add("tdx", "honest")
    assert ("tdx", "honest") in [wanted.take() for _ in range(8)]
    wanted.add("tdx", "x" * 10_000)
    assert len(wanted) == 0


def test_what_the_vendor_does_not_know_is_not_asked_for_again():
    wanted, clock = notes(WantedRule(refused_for=100, refused_capacity=3))
    wanted.refuse("tdx", "a")
    wanted.add("tdx", "a")
    assert wanted.take() is None
    wanted.add("sgx", "a")
    assert wanted.take() == ("sgx", "a")
    clock.now = 100
    wanted.add("tdx", "a")
    assert wanted.take() == ("tdx", "a")
    for key in "abcde":
        wanted.refuse("tdx", key)
    wanted.add("tdx", "a")  # forgotten: only so many are remembered
    wanted.add("tdx", "e")
    assert len(wanted) == 1


def test_threads_may_write_at_once():
    wanted, _ = notes(WantedRule(capacity=1000))

    def write(letter: str) -> None:
        for number in range(100):
            wanted.add("tdx", f"{letter}{number}")

    threads = [threading.Thread(target=write, args=(item,)) for item in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wanted) == 400
