"""Root and governor keep what storing them costs, and let every operation through all the same."""

from collections.abc import Iterator

import pytest

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus
from cocoon.chain.cells import EMPTY_CELL
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.governor_state import ResultStatus
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.rent import YEAR, rent_lasts, yearly_rent
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_data
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import call, deploy, people, person, sample_params
from cocoon.testing.governance import GovernedRoot

A, B, C = people((1, 2, 3))
OWNER, STRANGER = person(0x11), person(0x99)
OFFICIAL_VALUE = TON // 100
KEPT_BY_ROOT = 3 * TON // 10
KEPT_BY_GOVERNOR = 15 * TON // 100
ADD = root.add_worker_type(1, bytes(32))


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


def real_params() -> ContractParams:
    """With our three codes, which are most of what the root stores."""
    return sample_params(
        **{f"{name}_code": load_code(name) for name in ("proxy", "worker", "client")}
    )


def deploy_root(chain: EmbeddedChain, value: int) -> Address:
    return deploy(
        chain, "root", root_data(RootConfig(person(0), 1, real_params(), owner=OWNER)), value
    )


def collect(chain: EmbeddedChain, address: Address) -> None:
    """A message that only makes the account pay its rent."""
    chain.faucet(address, 1)


def test_rent_of_a_year_is_as_reckoned(chain: EmbeddedChain) -> None:
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=2, params=real_params())
    for address in (rig.root, rig.governor):
        collect(chain, address)
        before = chain.account(address)
        chain.advance(YEAR)
        collect(chain, address)
        paid = before.balance - chain.account(address).balance
        assert abs(paid - yearly_rent(before)) < paid // 20
        assert abs(rent_lasts(before) - before.balance * YEAR // paid) < YEAR // 2
    assert yearly_rent(chain.account(rig.root)) < KEPT_BY_ROOT // 3


def test_root_lives_for_years_without_use(chain: EmbeddedChain) -> None:
    """With what the tools deploy it with."""
    address = deploy_root(chain, TON // 2)
    chain.advance(4 * YEAR)
    assert call(chain, address, OWNER, ADD, OFFICIAL_VALUE).ok
    assert chain.account(address).status is AccountStatus.ACTIVE


def test_poor_root_keeps_the_rent_of_three_years(chain: EmbeddedChain) -> None:
    address = deploy_root(chain, TON // 20)
    outcome = call(chain, address, OWNER, ADD, TON)
    assert outcome.ok
    assert chain.account(address).balance == KEPT_BY_ROOT
    assert TON // 2 < outcome.to(OWNER)[0].value < TON
    chain.advance(3 * YEAR)
    outcome = call(chain, address, OWNER, ADD, OFFICIAL_VALUE)
    assert outcome.ok
    assert chain.account(address).due_payment == 0


def test_poor_root_does_what_the_official_tool_asks(chain: EmbeddedChain) -> None:
    """0.01 TON for an operation: it is done, and what is left stays for the rent."""
    address = deploy_root(chain, TON // 20)
    for _ in range(3):
        before = chain.account(address).balance
        outcome = call(chain, address, OWNER, ADD, OFFICIAL_VALUE)
        assert outcome.ok
        assert len(outcome.logs) == 1
        assert not outcome.to(OWNER)
        assert chain.account(address).balance > before


def test_root_in_debt_pays_it_first(chain: EmbeddedChain) -> None:
    address = deploy_root(chain, TON // 20)
    chain.advance(YEAR)
    collect(chain, address)
    due = chain.account(address).due_payment
    assert due > 0
    outcome = call(chain, address, OWNER, ADD, OFFICIAL_VALUE)
    assert outcome.ok
    chain.advance(YEAR // 4)
    collect(chain, address)
    due = chain.account(address).due_payment
    assert due > 0
    assert call(chain, address, OWNER, ADD, TON).ok
    # What is due is kept beside the rent to come.
    assert chain.account(address).balance == KEPT_BY_ROOT + due
    chain.advance(YEAR)
    collect(chain, address)
    assert chain.account(address).due_payment == 0


def test_root_in_debt_reads_messages_that_do_not_bounce(chain: EmbeddedChain) -> None:
    """Their value pays the debt before the contract runs."""
    address = deploy_root(chain, TON // 20)
    chain.advance(YEAR)
    collect(chain, address)
    assert chain.account(address).due_payment > 0
    block = chain.faucet(address, TON // 5, body=ADD, bounce=False, source=OWNER)
    assert block[0].parsed.success
    assert chain.account(address).due_payment == 0


def test_rich_root_returns_everything(chain: EmbeddedChain) -> None:
    address = deploy_root(chain, TON // 2)
    before = chain.account(address).balance
    outcome = call(chain, address, OWNER, ADD, OFFICIAL_VALUE)
    assert chain.account(address).balance == before
    assert outcome.to(OWNER)[0].value > 0


def poor_governor(chain: EmbeddedChain) -> GovernedRoot:
    """Deployed with too little, and in use."""
    rig = GovernedRoot(chain, owners=(A, B, C), threshold=2)
    content = gov.governor_data(rig.root, Rules(0, (A, B, C), 2, 1, 0))
    poor = deploy(chain, "governor", content, TON // 50)
    assert call(chain, rig.root, rig.governor, root.change_owner(1, poor)).ok
    rig.governor = poor
    return rig


def test_poor_governor_keeps_its_rent_of_what_comes(chain: EmbeddedChain) -> None:
    rig = poor_governor(chain)
    before = chain.account(rig.governor).balance
    assert rig.send(gov.propose(1, gov.action_of(ADD)), A, TON // 8).ok
    assert before < chain.account(rig.governor).balance < KEPT_BY_GOVERNOR
    assert rig.approve(B, 0).ok
    deposit = 6 * TON // 1000
    kept = chain.account(rig.governor).balance
    assert KEPT_BY_GOVERNOR <= kept <= KEPT_BY_GOVERNOR + deposit


def test_poor_governor_keeps_the_deposit_of_a_proposal_beside_its_rent(
    chain: EmbeddedChain,
) -> None:
    rig = poor_governor(chain)
    deposit = 52 * TON // 10_000  # an action of one cell
    assert rig.send(gov.propose(1, gov.action_of(ADD)), A, TON).ok
    assert chain.account(rig.governor).balance == KEPT_BY_GOVERNOR + deposit
    assert rig.send(gov.propose(1, gov.action_of(ADD)), A, TON).ok
    assert chain.account(rig.governor).balance == KEPT_BY_GOVERNOR + 2 * deposit


def test_rent_of_the_governor_never_spoils_an_execution(chain: EmbeddedChain) -> None:
    """The root gets the value first; the rent is kept of what it returns."""
    rig = poor_governor(chain)
    revoke = gov.action_of(root.del_worker_type(0, bytes(32)))
    assert rig.send(gov.propose(1, revoke), A, 11 * TON // 100).ok
    before = chain.account(rig.governor).balance
    assert before < KEPT_BY_GOVERNOR
    executed = rig.execute(0, value=TON // 10)
    assert executed.ok
    assert rig.state.results[0].status is ResultStatus.DONE
    assert before < chain.account(rig.governor).balance <= KEPT_BY_GOVERNOR


def test_governor_in_debt_still_works(chain: EmbeddedChain) -> None:
    rig = poor_governor(chain)
    chain.advance(YEAR)
    collect(chain, rig.governor)
    assert chain.account(rig.governor).due_payment > 0
    assert rig.propose(A, root.del_worker_type(0, bytes(32))).ok
    assert rig.execute(0).ok
    assert rig.state.results[0].status is ResultStatus.DONE
    assert rig.send(EMPTY_CELL, STRANGER, TON).ok
    assert chain.account(rig.governor).due_payment == 0
