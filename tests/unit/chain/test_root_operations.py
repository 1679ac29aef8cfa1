"""The root contract in the real virtual machine: every operation, sender and limit."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.contracts import root
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.params import ROOT_MASK, ContractParams
from cocoon.chain.contracts.root_limits import MAX_DELAY, MAX_PRICE, MAX_STAKE, MIN_DELAY
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_config, root_data
from cocoon.chain.vm_stack import StackSlice
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome, call, data, deploy, person, sample_params

OWNER = person(0x11)
STRANGER = person(0x99)
HASH = bytes(range(32))
OFFICIAL_VALUE = TON // 100
"""What the official tool attaches (``onchain.md`` §4)."""
DEPLOY = TON // 2
OK, OUT_OF_GAS = 0, -14


class Root:
    """A deployed root."""

    def __init__(self, chain: EmbeddedChain, config: RootConfig) -> None:
        self.chain = chain
        self.address = deploy(chain, "root", root_data(config), DEPLOY)

    def send(self, body: Cell, sender: Address = OWNER, value: int = OFFICIAL_VALUE) -> Outcome:
        return call(self.chain, self.address, sender, body, value)

    def config(self) -> RootConfig:
        return root_config(self.address, data(self.chain, self.address))


def config(**changes: object) -> RootConfig:
    fields: dict[str, object] = {
        "address": person(0),
        "version": 7,
        "params": sample_params(),
        "owner": OWNER,
    }
    return RootConfig(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shared_chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


@pytest.fixture
def rig(shared_chain: EmbeddedChain) -> Iterator[Root]:
    before = shared_chain.snapshot()
    yield Root(shared_chain, config())
    shared_chain.restore(before)


def params_body(params: ContractParams) -> Cell:
    return root.change_params(
        1,
        price_per_token=params.price_per_token,
        worker_fee_per_token=params.worker_fee_per_token,
        proxy_delay=params.proxy_delay_before_close,
        client_delay=params.client_delay_before_close,
        min_proxy_stake=params.min_proxy_stake,
        min_client_stake=params.min_client_stake,
    )


CODES = tuple(Cell(number, 8) for number in range(3))
BODIES = {
    "add_worker_type": root.add_worker_type(1, HASH),
    "del_worker_type": root.del_worker_type(1, HASH),
    "add_model_type": root.add_model_type(1, HASH),
    "del_model_type": root.del_model_type(1, HASH),
    "add_proxy_type": root.add_proxy_type(1, HASH),
    "del_proxy_type": root.del_proxy_type(1, HASH),
    "register_proxy": root.register_proxy(1, "10.0.0.1:11001 10.0.0.1:11002"),
    "unregister_proxy": root.unregister_proxy(1, 1),
    "change_price": root.change_price(1, 30, 10),
    "change_params": params_body(sample_params(price_per_token=30)),
    "upgrade_contracts": root.upgrade_contracts(1, *CODES),
    "upgrade": root.upgrade(1, load_code("root")),
    "reset": root.reset(1),
    "change_owner": root.change_owner(1, STRANGER),
}


@pytest.mark.parametrize("name", BODIES)
def test_operation_succeeds_with_what_the_official_tool_attaches(rig: Root, name: str) -> None:
    balance = rig.chain.account(rig.address).balance

    outcome = rig.send(BODIES[name])

    assert outcome.exit_code == OK
    assert outcome.ok
    version = 7 if name == "upgrade" else 8
    assert rig.config().version == version
    assert rig.chain.account(rig.address).balance == balance
    (answer,) = outcome.to(OWNER)
    assert answer.body == Builder().uint(opcodes.EXCESSES, 32).uint(1, 64).cell()
    assert not answer.bounce
    assert 0 < answer.value < OFFICIAL_VALUE
    (log,) = outcome.logs
    read = Reader(log)
    assert read.uint(32) == opcodes.ROOT_CHANGED
    assert read.uint(32) == Reader(BODIES[name]).uint(32)
    assert read.uint(32) == version
    assert read.raw(32) == BODIES[name].hash
    read.end()


@pytest.mark.parametrize("name", BODIES)
def test_operation_of_a_stranger_is_refused(rig: Root, name: str) -> None:
    before = data(rig.chain, rig.address)

    outcome = rig.send(BODIES[name], STRANGER)

    assert outcome.exit_code == 1010
    assert outcome.to(STRANGER)[0].bounced
    assert data(rig.chain, rig.address) == before


@pytest.mark.parametrize("name", [name for name in BODIES if name != "register_proxy"])
def test_longer_body_is_refused(rig: Root, name: str) -> None:
    body = Builder().content(BODIES[name]).uint(0, 1).cell()
    assert rig.send(body).exit_code == 9
    if not BODIES[name].refs:
        body = Builder().content(BODIES[name]).ref(EMPTY_CELL).cell()
        assert rig.send(body).exit_code == 9


def test_lists_grow_and_shrink(rig: Root) -> None:
    for number in range(5):
        rig.send(root.add_worker_type(1, bytes([number]) * 32))
        rig.send(root.add_proxy_type(1, bytes([number + 10]) * 32))
        rig.send(root.add_model_type(1, bytes([number + 20]) * 32))
    rig.send(root.del_worker_type(1, bytes([0]) * 32))
    rig.send(root.del_model_type(1, bytes([99]) * 32))  # absent: a success
    now = rig.config()
    assert now.worker_hashes == {bytes([number]) * 32 for number in range(1, 5)}
    assert now.proxy_hashes == {bytes([number]) * 32 for number in range(10, 15)}
    assert now.model_hashes == {bytes([number]) * 32 for number in range(20, 25)}
    assert now.version == 7 + 17

    assert rig.send(root.reset(1)).ok
    now = rig.config()
    assert not (now.worker_hashes)
    assert not (now.proxy_hashes)
    assert not (now.model_hashes)
    assert not (now.proxies)


def test_proxies_are_numbered_for_ever(rig: Root) -> None:
    rig.send(root.register_proxy(1, "10.0.0.1:1"))
    rig.send(root.register_proxy(1, "10.0.0.2:1 10.0.0.2:2"))
    rig.send(root.unregister_proxy(1, 1))
    rig.send(root.update_proxy(1, 2, "10.0.0.3:1"))
    now = rig.config()
    assert [(proxy.seqno, str(proxy.for_clients)) for proxy in now.proxies] == [(2, "10.0.0.3:1")]
    rig.send(root.reset(1))
    rig.send(root.register_proxy(1, "10.0.0.4:1"))
    assert [proxy.seqno for proxy in rig.config().proxies] == [3]
    assert rig.send(root.update_proxy(1, 2, "10.0.0.3:1")).exit_code == 2000


def test_longest_network_address_fits(rig: Root) -> None:
    text = "a" * (114 - 6) + ":11001"
    assert rig.send(root.register_proxy(1, text)).ok
    assert rig.send(root.update_proxy(1, 1, text[4:])).ok
    assert str(rig.config().proxies[0].for_workers) == text[4:]


@pytest.mark.parametrize(
    "tail",
    [
        EMPTY_CELL,
        Builder().uint(0, 8).cell(),
        Builder().uint(0x83, 8).raw(b"a:1").cell(),
        Builder().uint(4, 8).raw(b"a:1").cell(),
        Builder().uint(3, 8).raw(b"a:1").uint(0, 1).cell(),
        Builder().uint(2, 8).raw(b"a:1").cell(),
        Builder().uint(3, 8).raw(b"a:\x80").cell(),
        Builder().uint(40, 8).raw(b"a" * 35 + b"\xff" + b"a" * 4).cell(),
        Builder().uint(3, 8).raw(b"a:1").ref(EMPTY_CELL).cell(),
    ],
)
def test_malformed_network_address_is_refused(rig: Root, tail: Cell) -> None:
    register = Builder().uint(opcodes.ROOT_REGISTER_PROXY, 32).uint(1, 64).content(tail).cell()
    assert rig.send(register).exit_code == 1004


@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"worker_fee_per_token": 20}, True),
        ({"worker_fee_per_token": 21}, False),
        ({"price_per_token": MAX_PRICE}, True),
        ({"price_per_token": MAX_PRICE + 1}, False),
        ({"price_per_token": 0, "worker_fee_per_token": 0}, True),
        ({"client_delay_before_close": 86400}, True),
        ({"client_delay_before_close": 86401}, False),
        ({"client_delay_before_close": MIN_DELAY}, True),
        ({"client_delay_before_close": MIN_DELAY - 1}, False),
        ({"proxy_delay_before_close": MAX_DELAY}, True),
        ({"proxy_delay_before_close": MAX_DELAY + 1}, False),
        ({"min_proxy_stake": MAX_STAKE}, True),
        ({"min_proxy_stake": MAX_STAKE + 1}, False),
        ({"min_client_stake": MAX_STAKE}, True),
        ({"min_client_stake": MAX_STAKE + 1}, False),
    ],
)
def test_ranges_of_parameters(rig: Root, changes: dict[str, int], accepted: bool) -> None:
    wanted = sample_params(**changes)

    outcome = rig.send(params_body(wanted))

    assert outcome.exit_code == (OK if accepted else 1020)
    expected = replace(wanted, params_version=6) if accepted else sample_params()
    assert rig.config().params == expected
    assert rig.config().version == (8 if accepted else 7)

    # The other way to the same parameters has the same limits.
    full = config(version=rig.config().version + 1, params=replace(wanted, params_version=20))
    outcome = rig.send(root.upgrade_full(1, root_data(full), load_code("root")))
    assert outcome.exit_code == (OK if accepted else 1020)


def test_test_network_may_have_short_delays(shared_chain: EmbeddedChain) -> None:
    params = sample_params(is_test=True)
    rig = Root(shared_chain, config(params=params))
    wanted = replace(params, proxy_delay_before_close=0, client_delay_before_close=0)
    assert rig.send(params_body(wanted)).ok


def test_price_cannot_fall_below_the_fee(rig: Root) -> None:
    assert rig.send(root.change_price(1, 10, 11)).exit_code == 1020
    assert rig.send(root.change_price(1, 11, 11)).ok
    assert rig.config().params.params_version == 6


def test_codes_are_replaced(rig: Root) -> None:
    assert rig.send(root.upgrade_contracts(1, *CODES)).ok
    params = rig.config().params
    assert (params.proxy_code, params.worker_code, params.client_code) == CODES
    assert params.params_version == 6


def test_owner_changes_at_once(rig: Root) -> None:
    assert rig.send(root.change_owner(1, STRANGER)).ok
    assert rig.config().owner == STRANGER
    assert rig.send(root.reset(1)).exit_code == 1010
    assert rig.send(root.reset(1), STRANGER).ok


def test_owner_outside_workchain_0_is_refused(rig: Root) -> None:
    masterchain = Builder().uint(0b100, 3).uint(0xFF, 8).hash256(HASH)
    body = Builder().uint(opcodes.ROOT_CHANGE_OWNER, 32).uint(1, 64).content(masterchain.cell())
    assert rig.send(body.cell()).exit_code == 1020
    nobody = Builder().uint(opcodes.ROOT_CHANGE_OWNER, 32).uint(1, 64).uint(0, 2)
    assert rig.send(nobody.cell()).exit_code == 9


def test_full_upgrade_replaces_data(rig: Root) -> None:
    params = sample_params(params_version=6, completion_multiplier=80000)
    rig.send(root.register_proxy(1, "10.0.0.1:1"))
    after = replace(
        rig.config(), version=9, params=params, worker_hashes=frozenset((HASH, bytes(32)))
    )
    outcome = rig.send(root.upgrade_full(1, root_data(after), load_code("root")), value=TON)
    assert outcome.ok
    assert rig.config() == after
    read = Reader(outcome.logs[0])
    read.uint(32)
    assert (read.uint(32), read.uint(32)) == (opcodes.ROOT_UPGRADE_FULL, 9)


@pytest.mark.parametrize(
    ("changes", "exit_code"),
    [
        ({"version": 7}, 1020),
        ({"version": 6}, 1020),
        ({"version": 9}, 1020),  # the data would not be made from this state
        ({"version": 8}, OK),
        ({"params": sample_params(completion_multiplier=1)}, 1020),  # its version must grow
        ({"params": sample_params(params_version=4)}, 1020),
        ({"params": sample_params(params_version=6, is_test=True)}, 1020),
        ({"params": sample_params(params_version=6, unique_id=18)}, 1020),
        ({"params": sample_params(params_version=6, struct_version=2)}, 1008),
        ({"params": sample_params(params_version=5 + 1000)}, OK),
        ({"params": sample_params(params_version=5 + 1001)}, 1020),
        ({"params": sample_params(params_version=6, prompt_multiplier=10_000_001)}, 1020),
        ({"params": sample_params(params_version=6, cached_multiplier=10_000_001)}, 1020),
        ({"params": sample_params(params_version=6, completion_multiplier=10_000_001)}, 1020),
        ({"params": sample_params(params_version=6, reasoning_multiplier=10_000_001)}, 1020),
        ({"params": sample_params(params_version=6, reasoning_multiplier=10_000_000)}, OK),
        ({"last_proxy_seqno": 3}, OK),
        ({"last_proxy_seqno": 1000}, OK),
        ({"last_proxy_seqno": 1001}, 1020),
    ],
)
def test_full_upgrade_is_no_way_around_the_checks(
    rig: Root, changes: dict[str, object], exit_code: int
) -> None:
    body = root.upgrade_full(1, root_data(config(**{"version": 8, **changes})), load_code("root"))
    assert rig.send(body, value=TON).exit_code == exit_code


def test_full_upgrade_needs_data_that_parses(rig: Root) -> None:
    good = root_data(config(version=8))
    longer = Builder().content(good).uint(0, 1).cell()
    lists, params = good.refs
    odd_lists = Cell(lists.data << 1, lists.bits + 1, lists.refs)
    odd_params = Cell(params.data << 1, params.bits + 1, params.refs)
    for bad in (
        EMPTY_CELL,
        longer,
        Cell(good.data, good.bits, (odd_lists, params)),
        Cell(good.data, good.bits, (lists, odd_params)),
        Cell(good.data, good.bits, (lists, params, EMPTY_CELL)),
    ):
        assert rig.send(root.upgrade_full(1, bad, load_code("root")), value=TON).exit_code == 9


def test_full_upgrade_never_numbers_a_proxy_twice(rig: Root) -> None:
    rig.send(root.register_proxy(1, "10.0.0.1:1"))
    rig.send(root.unregister_proxy(1, 1))
    now = rig.config()
    for last, exit_code in ((0, 1020), (1, OK)):
        after = replace(now, version=now.version + 1, last_proxy_seqno=last)
        body = root.upgrade_full(1, root_data(after), load_code("root"))
        assert rig.send(body, value=TON).exit_code == exit_code


def test_full_upgrade_needs_cells_that_nodes_can_read(rig: Root) -> None:
    """In place of its data there could be references to libraries."""
    good = root_data(config(version=8))
    lists, params = (library(rig.chain, cell) for cell in good.refs)
    for bad in (
        library(rig.chain, good),
        Cell(good.data, good.bits, (lists, good.refs[1])),
        Cell(good.data, good.bits, (good.refs[0], params)),
    ):
        assert rig.send(root.upgrade_full(1, bad, load_code("root")), value=TON).exit_code == 9


def test_full_upgrade_needs_lists_without_libraries(rig: Root) -> None:
    """Neither as a whole nor in a part: a reader outside of the chain could not follow."""
    hashes = frozenset(bytes([number]) * 32 for number in (1, 2, 200))
    for one in ({"worker_hashes": hashes}, {"model_hashes": hashes}, {"proxy_hashes": hashes}):
        good = root_data(config(version=8, **one))
        lists, params = good.refs
        (found,) = lists.refs
        for odd in (
            library(rig.chain, found),
            Cell(found.data, found.bits, (library(rig.chain, found.refs[0]), found.refs[1])),
        ):
            bad = Cell(good.data, good.bits, (Cell(lists.data, lists.bits, (odd,)), params))
            body = root.upgrade_full(1, bad, load_code("root"))
            assert rig.send(body, value=TON).exit_code == 9
        before = rig.chain.snapshot()
        assert rig.send(root.upgrade_full(1, good, load_code("root")), value=TON).ok
        rig.chain.restore(before)


def test_full_upgrade_needs_proxies_without_libraries(rig: Root) -> None:
    rig.send(root.register_proxy(1, "10.0.0.1:1"))
    rig.send(root.register_proxy(1, "10.0.0.2:1"))
    now = rig.config()
    body = root.unregister_proxy(1, 1)
    assert rig.send(body).ok
    good = root_data(replace(now, version=rig.config().version + 1))
    lists, params = good.refs
    (found,) = lists.refs
    for odd in (
        library(rig.chain, found),
        Cell(found.data, found.bits, (found.refs[0], library(rig.chain, found.refs[1]))),
    ):
        bad = Cell(good.data, good.bits, (Cell(lists.data, lists.bits, (odd,)), params))
        full = root.upgrade_full(1, bad, load_code("root"))
        assert rig.send(full, value=TON).exit_code == 9
    assert rig.send(root.upgrade_full(1, good, load_code("root")), value=TON).ok


def test_full_upgrade_is_void_after_any_change(rig: Root) -> None:
    """It was made from a state that is no more."""
    pending = root.upgrade_full(1, root_data(config(version=8)), load_code("root"))
    assert rig.send(root.del_proxy_type(1, HASH)).ok
    now = rig.config()
    assert rig.send(pending, value=TON).exit_code == 1020
    assert rig.config() == now
    again = root_data(replace(now, version=9))
    assert rig.send(root.upgrade_full(1, again, load_code("root")), value=TON).ok


def library(chain: EmbeddedChain, content: Cell) -> Cell:
    return Cell.library(chain.publish_library(content))


def test_full_upgrade_needs_lists_that_parse(rig: Root) -> None:
    before = rig.chain.snapshot()
    good = root_data(config(version=8))
    params = good.refs[1]
    entry = Builder().uint(0b10, 2).uint(256, 9).uint(1, 256)
    with_value = Builder().content(entry.cell()).uint(0, 1).cell()
    lists = Builder().maybe_ref(with_value).uint(0, 1).uint(0, 32).uint(0, 2).cell()
    bad = Cell(good.data, good.bits, (lists, params))
    assert rig.send(root.upgrade_full(1, bad, load_code("root")), value=TON).exit_code == 9
    # Likewise where there were some before.
    rig.send(root.add_proxy_type(1, HASH))
    later = root_data(config(version=9))
    bad = Cell(later.data, later.bits, (lists, params))
    assert rig.send(root.upgrade_full(1, bad, load_code("root")), value=TON).exit_code == 9
    rig.chain.restore(before)

    proxy = Builder().uint(0b10, 2).uint(32, 6).uint(5, 32).uint(3, 8).raw(b"a:1").cell()
    for last, exit_code in ((4, 1020), (5, OK)):
        lists = Builder().uint(0, 1).maybe_ref(proxy).uint(last, 32).uint(0, 2).cell()
        body = root.upgrade_full(1, Cell(good.data, good.bits, (lists, params)), load_code("root"))
        assert rig.send(body, value=TON).exit_code == exit_code


def test_unknown_operations_are_refused(rig: Root) -> None:
    for operation in (opcodes.ROOT_CHANGE_PARAMS_FULL, opcodes.PAYOUT, opcodes.TEXT_COMMENT, 1):
        body = Builder().uint(operation, 32).uint(1, 64).cell()
        assert rig.send(body).exit_code == 1012
        assert rig.send(body, STRANGER).exit_code == 1010


def test_deposits_and_notes_are_accepted_from_anybody(rig: Root) -> None:
    before = data(rig.chain, rig.address)
    balance = rig.chain.account(rig.address).balance
    assert rig.send(EMPTY_CELL, STRANGER, TON).ok
    assert rig.send(Builder().uint(opcodes.DO_NOT_PROCESS, 32).uint(1, 7).cell(), STRANGER, TON).ok
    assert data(rig.chain, rig.address) == before
    assert rig.chain.account(rig.address).balance > balance + 19 * TON // 10


def test_too_little_value_changes_nothing(rig: Root) -> None:
    before = data(rig.chain, rig.address)
    for value in (1, 10**6, 3 * 10**6):
        outcome = rig.send(root.add_worker_type(1, HASH), value=value)
        assert not outcome.first.success
        assert data(rig.chain, rig.address) == before


def test_getters_agree_with_the_data(rig: Root) -> None:
    rig.send(root.add_worker_type(1, HASH))
    rig.send(root.register_proxy(1, "10.0.0.1:1"))
    now = rig.config()
    params = now.params
    owner = StackSlice(Builder().address(OWNER).cell())
    run = rig.chain.run
    assert run(rig.address, "get_cocoon_data").stack == (
        now.version,
        1,
        params.params_version,
        17,
        0,
        20,
        14,
        TON,
        15 * TON,
        owner,
    )
    assert params.proxy_code is not None
    code = int.from_bytes(params.proxy_code.hash, "big")
    expected = (5, 17, 0, 20, 14, 10000, 10000, 86400, 43200, TON, 15 * TON, code, code, code)
    assert run(rig.address, "get_cur_params").stack == expected
    assert run(rig.address, "last_proxy_seqno").stack == (1,)
    known, unknown = int.from_bytes(HASH, "big"), 5
    assert run(rig.address, "worker_hash_is_valid", [known]).stack == (-1,)
    assert run(rig.address, "worker_hash_is_valid", [unknown]).stack == (0,)
    assert run(rig.address, "proxy_hash_is_valid", [known]).stack == (0,)
    assert run(rig.address, "model_hash_is_valid", [known]).stack == (0,)


def test_storage_is_exactly_the_official_one(rig: Root) -> None:
    """Test vector of ``onchain.md`` §19, reached by operations on the real contract."""
    params = sample_params(
        cached_multiplier=1000,
        completion_multiplier=80000,
        reasoning_multiplier=80000,
        proxy_code=Cell(0xAAAA, 16),
        worker_code=Cell(0xBBBB, 16),
        client_code=Cell(0xCCCC, 16),
    )
    start = Root(rig.chain, config(version=3, params=params))
    one = (1).to_bytes(32, "big")
    for body in (
        root.add_proxy_type(1, one),
        root.add_worker_type(1, one),
        root.add_model_type(1, one),
        root.register_proxy(1, "10.0.0.1:11001 10.0.0.1:11002"),
    ):
        assert start.send(body).ok
    cell = data(rig.chain, start.address)
    assert (cell.bits, len(cell.refs)) == (299, 2)
    assert cell.hash.hex() == "12ca56155e51cd9feffe01aa1d1d12c7a156a261dac1f017eeee10ccfc3bce9d"
    assert cell.refs[1] == params.cell(ROOT_MASK)
    assert cell.refs[0].hash.hex() == (
        "555a74e83cfe74381926d419cc652a53771ccad4fd1ef1cc63a87cf668f774e6"
    )
