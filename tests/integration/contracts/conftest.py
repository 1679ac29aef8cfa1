"""One proxy with stake, two clients with deposits and two workers, on one chain for all tests."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from cocoon.chain.contracts import client_messages
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OTHER_CLIENT_OWNER,
    OTHER_WORKER_OWNER,
    WORKER_OWNER,
    Contract,
    LabSnapshot,
    MoneyLab,
)


@dataclass(frozen=True)
class Stage:
    lab: MoneyLab
    client: Contract
    other_client: Contract
    worker: Contract
    other_worker: Contract
    start: LabSnapshot
    kept: dict[str, LabSnapshot] = field(default_factory=dict)

    def reach(self, name: str, how: Callable[[], None]) -> None:
        """Bring the network, from its start, to a state that several tests need."""
        if name in self.kept:
            self.lab.restore(self.kept[name])
        else:
            how()
            self.kept[name] = self.lab.snapshot()


def deposit(lab: MoneyLab, client: Contract, amount: int) -> None:
    body = client_messages.top_up(lab.query(), amount, client.owner)
    outcome = lab.send(client.owner, client.address, amount + 700_000_000, body)
    assert outcome.ok
    lab.check()


@pytest.fixture(scope="package")
def prepared() -> Iterator[Stage]:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        client, other_client = lab.client(CLIENT_OWNER), lab.client(OTHER_CLIENT_OWNER)
        worker, other_worker = lab.worker(WORKER_OWNER), lab.worker(OTHER_WORKER_OWNER)
        deposit(lab, client, 20 * TON)
        deposit(lab, other_client, 30 * TON)
        yield Stage(lab, client, other_client, worker, other_worker, lab.snapshot())


@pytest.fixture
def stage(prepared: Stage) -> Iterator[Stage]:
    """The prepared network, at its start."""
    prepared.lab.restore(prepared.start)
    yield prepared
    prepared.lab.settle()
    prepared.lab.check()


@pytest.fixture
def lab(stage: Stage) -> MoneyLab:
    return stage.lab
