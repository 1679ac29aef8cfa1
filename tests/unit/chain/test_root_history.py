"""The published history: what changed, when, by whom, and how it was decided."""

from collections.abc import Iterator

import pytest

from cocoon.chain import opcodes
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.root_operations import (
    describe_action,
    describe_operation,
    read_action,
    read_operation,
)
from cocoon.chain.contracts.tariff import Multipliers
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.root_history import Change, read_history
from cocoon.errors import DecodeError
from cocoon.testing.chain import memory_chain
from cocoon.testing.contracts import call, people, person
from cocoon.testing.governance import DELAY, GovernedRoot

A, B, C = people((1, 2, 3))
STRANGER = person(0x99)
HASH = bytes(range(32))


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


def steps(history: list[Change]) -> list[tuple[str, str | None, int | None, int | None]]:
    return [(one.step, one.what, one.version, one.proposal) for one in history]


@pytest.mark.anyio
async def test_history_tells_everything_in_order(chain: EmbeddedChain) -> None:
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=2)
    rig.propose(A, root.add_worker_type(0, HASH))
    call(chain, rig.root, STRANGER, root.reset(0))  # refused: no change
    chain.faucet(rig.root, 10**9)  # a deposit: no change
    rig.approve(B, 0)
    chain.advance(DELAY)
    rig.execute(0)
    rig.propose(A, root.del_worker_type(0, HASH))
    rig.execute(1)
    rig.propose(A, root.change_price(0, 1, 2))
    rig.approve(B, 2)
    chain.advance(DELAY)
    rig.execute(2)
    rig.propose_action(B, gov.set_tariff(chain.now + 2 * DELAY, Multipliers(1, 2, 3, 4)))
    rig.withdraw(B, 3)

    history = await read_history(EmbeddedBackend(chain), rig.root)

    assert steps(history) == [
        ("deployed", None, None, None),
        ("changed", "change_owner", 2, None),
        ("proposed", "add_worker_type", None, 0),
        ("approved", "add_worker_type", None, 0),
        ("sent", "add_worker_type", None, 0),
        ("changed", "add_worker_type", 3, None),
        ("done", "add_worker_type", None, 0),
        ("proposed", "del_worker_type", None, 1),
        ("sent", "del_worker_type", None, 1),
        ("changed", "del_worker_type", 4, None),
        ("done", "del_worker_type", None, 1),
        ("proposed", "change_price", None, 2),
        ("approved", "change_price", None, 2),
        ("sent", "change_price", None, 2),
        ("failed", "change_price", None, 2),
        ("proposed", "set_tariff", None, 3),
        ("cancelled", "set_tariff", None, 3),
    ]
    assert history[1].details == {"owner": rig.governor}
    assert [one.who for one in history[2:6]] == [A, B, STRANGER, rig.governor]
    assert history[3].details["ready_at"] == history[5].time
    assert history[5].details == {"hash": HASH}
    assert history[14].details["exit_code"] == 1020
    assert history[15].details["completion"] == 3
    ours = {transaction.hash for transaction in chain.recent_transactions(limit=100)}
    assert {one.transaction for one in history} <= ours


@pytest.mark.anyio
async def test_history_of_a_single_owner(chain: EmbeddedChain) -> None:
    rig = GovernedRoot(chain, owners=(A,), threshold=1, delay=0)
    rig.propose(A, root.change_owner(0, B))
    rig.execute(0)
    call(chain, rig.root, B, root.register_proxy(7, "10.0.0.1:1"))
    history = await read_history(EmbeddedBackend(chain), rig.root)
    assert (history[-1].who, history[-1].what) == (B, "register_proxy")
    assert history[-1].details == {"address": "10.0.0.1:1"}
    # The former owner's decisions are still told.
    assert "proposed" in [one.step for one in history]


@pytest.mark.parametrize(
    ("body", "name", "details"),
    [
        (root.add_model_type(1, HASH), "add_model_type", {"hash": HASH}),
        (root.unregister_proxy(1, 5), "unregister_proxy", {"seqno": 5}),
        (root.update_proxy(1, 5, "a:1"), "update_proxy", {"seqno": 5, "address": "a:1"}),
        (root.reset(1), "reset", {}),
        (root.upgrade(1, EMPTY_CELL), "upgrade", {"code": EMPTY_CELL.hash}),
        (
            root.change_price(1, 3, 2),
            "change_price",
            {"price_per_token": 3, "worker_fee_per_token": 2},
        ),
        (Builder().uint(5, 32).uint(1, 64).cell(), "unknown", {"bits": 0, "references": 0}),
    ],
)
def test_operations_in_words(body: Cell, name: str, details: dict[str, object]) -> None:
    operation = read_operation(body)
    assert (operation.name, operation.details) == (name, details)
    action = gov.action_of(body)
    assert read_action(action) == operation
    assert gov.body_of(action, 1) == body


def test_rules_in_words() -> None:
    action = gov.set_rules((A, B), threshold=2, revoke_threshold=1, delay=5)
    assert describe_action(action).details == {
        "threshold": 2,
        "revoke_threshold": 1,
        "delay": 5,
        "owner_1": A,
        "owner_2": B,
    }


def test_malformed_operation_is_named_so() -> None:
    for body in (
        EMPTY_CELL,
        Builder().uint(opcodes.ROOT_RESET, 32).cell(),
        Builder().content(root.reset(1)).uint(0, 1).cell(),
        Builder().uint(opcodes.ROOT_REGISTER_PROXY, 32).uint(1, 64).uint(0x80, 8).cell(),
    ):
        with pytest.raises(DecodeError):
            read_operation(body)
        assert describe_operation(body).name == "malformed"
