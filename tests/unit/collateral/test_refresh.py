import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cocoon.collateral.refresh import Refresher
from cocoon.collateral.schedule import RefreshRule
from cocoon.collateral.shelf import Shelf
from cocoon.collateral.store import CollateralStore, Stored
from cocoon.collateral.wanted import Wanted, WantedRule
from cocoon.errors import CollateralError, EvidenceError, StoreError, UnknownPlatformError

pytestmark = pytest.mark.anyio
DAY = 86_400


@dataclass(frozen=True)
class Paper:
    key: str
    number: int
    expires_at: int

    @classmethod
    def parse(cls, text: str) -> "Paper":
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            raise EvidenceError("no paper") from None

    def to_json(self) -> str:
        return json.dumps(self.__dict__)


class Office:
    """A vendor, a clock and a book."""

    def __init__(self, directory: Path, *, life: int = 30 * DAY, capacity: int = 4) -> None:
        self.now = 1_000_000.0
        self.life = life
        self.number = 1
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.book: dict[str, Paper] = {}
        self.store = CollateralStore(directory)
        self.wanted = Wanted(self.clock, rule=WantedRule(burst=100))
        self.shelf = Shelf(
            kind="tdx", source="office", fetch=self.fetch, parse=Paper.parse,
            to_json=Paper.to_json, put=self.put, capacity=capacity,
            is_older=lambda new, old: new.number < old.number,
        )  # fmt: skip
        self.refresher = self.another()

    def another(self) -> Refresher:
        return Refresher(
            "office", [self.shelf], self.store, self.wanted,
            clock=self.clock, uniform=lambda: 0.0, rule=RefreshRule(),
        )  # fmt: skip

    def clock(self) -> float:
        return self.now

    def put(self, paper: Paper) -> None:
        self.book[paper.key] = paper

    async def fetch(self, key: str) -> Paper:
        self.asked.append(key)
        if self.error is not None:
            raise self.error
        return Paper(key, self.number, int(self.now) + self.life)


@pytest.fixture
def office(tmp_path):
    return Office(tmp_path)


async def test_what_is_configured_is_fetched_and_kept(office):
    office.refresher.load([("tdx", "a"), ("gpu", "not of this vendor")])
    assert office.asked == []
    pause = await office.refresher.step()
    assert office.asked == ["a"]
    assert office.book["a"].number == 1
    assert pause == 600
    stored = office.store.read("tdx", "a")
    assert stored is not None
    assert (stored.fetched_at, stored.source) == (1_000_000, "office")


async def test_it_is_renewed_after_a_day_at_the_latest(office):
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    office.now += DAY - 10
    assert await office.refresher.step() == pytest.approx(10)
    assert len(office.asked) == 1
    office.now += 10
    office.number = 2
    await office.refresher.step()
    assert office.book["a"].number == 2


async def test_short_lived_documents_are_renewed_at_half_their_life(tmp_path):
    office = Office(tmp_path, life=3600)
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    office.now += 1799
    await office.refresher.step()
    assert len(office.asked) == 1
    office.now += 1
    await office.refresher.step()
    assert len(office.asked) == 2


async def test_documents_that_hardly_live_do_not_make_a_loop(tmp_path):
    office = Office(tmp_path, life=2)
    office.refresher.load([("tdx", "a")])
    assert await office.refresher.step() == pytest.approx(60)
    await office.refresher.step()
    assert len(office.asked) == 1


async def test_a_start_uses_the_store_and_fetches_nothing(office):
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    office.book.clear()
    second = office.another()
    second.load([("tdx", "a")])
    assert office.book["a"].number == 1
    await second.step()
    assert len(office.asked) == 1


async def test_an_expired_or_damaged_store_is_fetched_anew(office):
    paper = Paper("a", 1, int(office.now) - 5)
    office.store.write(
        Stored(kind="tdx", key="a", fetched_at=int(office.now) - DAY, content=paper.to_json())
    )
    office.store.write(Stored(kind="tdx", key="b", fetched_at=7, content="garbage"))
    office.refresher.load()
    assert set(office.book) == {"a"}
    await office.refresher.step()
    assert sorted(office.asked) == ["a", "b"]
    assert office.book["a"].expires_at > office.now


async def test_a_store_from_the_future_is_fetched_anew(office):
    paper = Paper("a", 1, int(office.now) + 900 * DAY)
    office.store.write(
        Stored(kind="tdx", key="a", fetched_at=int(office.now) + DAY, content=paper.to_json())
    )
    office.refresher.load()
    await office.refresher.step()
    assert office.asked == ["a"]


async def test_what_handshakes_missed_is_fetched(office):
    office.wanted.add("tdx", "new")
    office.wanted.add("gpu", "of another vendor")
    await office.refresher.step()
    assert office.asked == ["new"]
    assert "new" in office.book
    office.wanted.add("tdx", "new")
    await office.refresher.step()
    assert office.asked == ["new"]


async def test_what_verifiers_still_call_too_old_is_renewed_early(office):
    office.wanted.add("tdx", "a")
    await office.refresher.step()
    office.wanted.add("tdx", "a")
    assert await office.refresher.step() == 600
    office.now += 900
    await office.refresher.step()
    assert office.asked == ["a", "a"]


async def test_only_so_many_platforms_are_learned(office):
    for number in range(50):
        office.wanted.add("tdx", str(number))
    await office.refresher.step()
    assert len(office.asked) == 4


async def test_what_nobody_missed_for_longest_gives_way(office):
    office.refresher.load([("tdx", "configured")])
    for key in "abcd":
        office.now += 1
        office.wanted.add("tdx", key)
        await office.refresher.step()
    assert set(office.book) == {"configured", *"abcd"}  # in use until it expires
    office.asked.clear()
    office.now += DAY
    await office.refresher.step()
    assert set(office.asked) == {"configured", *"bcd"}
    office.wanted.add("tdx", "a")
    await office.refresher.step()
    assert office.asked[-1] == "a"


async def test_configured_platforms_never_give_way(office):
    office.refresher.load([("tdx", key) for key in "abcd"])
    office.wanted.add("tdx", "e")
    await office.refresher.step()
    assert set(office.book) == set("abcd")


async def test_files_that_nobody_renewed_for_long_are_deleted(office):
    for key, age in (("old", 31), ("new", 29)):
        paper = Paper(key, 1, int(office.now) - age * DAY)
        office.store.write(Stored(kind="tdx", key=key, fetched_at=0, content=paper.to_json()))
    office.refresher.load()
    assert [stored.key for stored in office.store.all()] == ["new"]
    await office.refresher.step()
    assert office.asked == ["new"]


async def test_what_the_vendor_does_not_know_is_forgotten(office):
    office.error = UnknownPlatformError("no such platform")
    office.wanted.add("tdx", "odd")
    await office.refresher.step()
    office.wanted.add("tdx", "odd")
    office.now += 3600
    await office.refresher.step()
    assert office.asked == ["odd"]
    office.error = None
    for number in range(4):
        office.wanted.add("tdx", str(number))
    await office.refresher.step()
    assert len(office.book) == 4  # it takes nobody's place


async def test_a_failure_is_tried_again_ever_more_slowly(office):
    office.error = CollateralError("down")
    office.refresher.load([("tdx", "a")])
    waits = []
    for _ in range(9):
        await office.refresher.step()
        before = office.now
        while len(office.asked) == len(waits) + 1:
            office.now += 5
            await office.refresher.step()
        waits.append(office.now - before)
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1800, 1800]
    office.error = None
    office.now += 3600
    await office.refresher.step()
    assert "a" in office.book


async def test_the_vendors_word_about_waiting_is_honoured(office):
    office.error = CollateralError("slow down", 5000)
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    office.now += 4999
    await office.refresher.step()
    assert len(office.asked) == 1
    office.now += 1
    await office.refresher.step()
    assert len(office.asked) == 2


async def test_what_was_missed_and_never_came_is_forgotten_at_last(office):
    office.error = CollateralError("down")
    office.wanted.add("tdx", "a")
    for _ in range(50):
        await office.refresher.step()
        office.now += 3600
    assert len(office.asked) == 6


async def test_a_failure_leaves_what_we_have(office):
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    for error in (CollateralError("down"), EvidenceError("nonsense"), KeyError("a bug")):
        office.error = error
        office.now += 2 * DAY
        await office.refresher.step()
        assert office.book["a"].number == 1
    assert len(office.asked) == 4


async def test_older_or_expired_documents_do_not_replace_newer_ones(office):
    office.number = 5
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    office.now += 2 * DAY
    office.number = 4
    await office.refresher.step()
    assert office.book["a"].number == 5
    office.number, office.life = 6, -1
    office.now += 2 * DAY
    await office.refresher.step()
    assert office.book["a"].number == 5
    office.number, office.life = 4, DAY
    office.now += 60 * DAY  # the newer one has expired: the older one is better than none
    await office.refresher.step()
    assert office.book["a"].number == 4


async def test_a_second_process_uses_what_the_first_fetched(office):
    office.refresher.load([("tdx", "a")])
    second = office.another()
    second.load([("tdx", "a")])
    await office.refresher.step()
    office.book.clear()
    await second.step()
    assert office.asked == ["a"]
    assert office.book["a"].number == 1


async def test_a_second_process_waits_while_the_first_fetches(office):
    office.refresher.load([("tdx", "a")])
    with office.store.lock("office") as is_ours:
        assert is_ours
        pause = await office.refresher.step()
        assert office.asked == []
        assert pause == pytest.approx(0.2)
    office.now += pause
    await office.refresher.step()
    assert office.asked == ["a"]


async def test_a_full_disk_does_not_hide_what_was_fetched(office, monkeypatch):
    def full(_: Stored) -> None:
        raise StoreError("no space")

    monkeypatch.setattr(office.store, "write", full)
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    assert office.book["a"].number == 1
    with pytest.raises(StoreError):
        await office.refresher.fetch("tdx", "a")


async def test_a_note_wakes_the_task(office):
    task = asyncio.ensure_future(office.refresher.run())
    await asyncio.sleep(0.01)
    office.wanted.add("tdx", "new")
    for _ in range(200):
        if "new" in office.book:
            break
        await asyncio.sleep(0.005)
    assert "new" in office.book
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert office.wanted.on_add is None
    office.wanted.add("tdx", "later")  # nobody listens, and nothing breaks


async def test_an_old_file_that_is_put_back_does_not_replace_what_we_have(office):
    office.number = 5
    office.refresher.load([("tdx", "a")])
    await office.refresher.step()
    for fetched_at in (int(office.now) + 1, int(office.now) + 400 * DAY):
        paper = Paper("a", 4, int(office.now) + 20 * DAY)
        office.store.write(
            Stored(kind="tdx", key="a", fetched_at=fetched_at, content=paper.to_json())
        )
        office.refresher.load()
        assert office.book["a"].number == 5
    office.now += DAY
    await office.refresher.step()
    assert office.asked == ["a", "a"]
    stored = office.store.read("tdx", "a")
    assert stored is not None
    assert Paper.parse(stored.content).number == 5
