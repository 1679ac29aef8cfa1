"""What the money contracts cost: gas of every operation, fees of every flow, rent of a year.

Everything is measured on the real virtual machine with its default network configuration, in one
fixed scenario, so that the numbers change only when a contract or the machine does.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.chain.contracts.replies import parse_bounce
from cocoon.chain.message import Message
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    STRANGER,
    SUBMITTER,
    WORKER_OWNER,
    Contract,
    MoneyLab,
)

YEAR = 365 * 86_400
ORDINARY = 700_000_000
"""What runners attach to most messages (``onchain.md`` §11)."""

_NAMES = {value: name.lower() for name, value in vars(opcodes).items() if name.isupper()}
_PAYLOADS = frozenset({opcodes.CLIENT_PROXY_REQUEST, opcodes.WORKER_PROXY_REQUEST})


@dataclass(frozen=True)
class Flow:
    """A message from outside with all that it causes.

    Args:
        name: what it is for.
        attached: nanoTON of the message, without a deposit in it.
        gas: of each contract that ran, in order.
        fees: nanoTON that validators got.
    """

    name: str
    attached: int
    gas: tuple[tuple[str, int], ...]
    fees: int


@dataclass
class Costs:
    """The result of :func:`measure`.

    Args:
        gas: by contract and operation.
        flows: in the order of the scenario.
        rent: nanoTON a year, by contract.
    """

    gas: dict[str, dict[str, int]]
    flows: list[Flow]
    rent: dict[str, int]


def measure() -> Costs:
    """Run the scenario."""
    meter = _Meter()
    for act in (_life, _bounces, _closing, _frozen):
        with memory_chain(max_hops=1 if act is _frozen else 1000) as chain:
            meter.lab = MoneyLab(chain)
            act(meter)
            meter.lab.check()
    with memory_chain() as chain:
        rent = _rent(MoneyLab(chain))
    gas = {kind: dict(sorted(found.items())) for kind, found in sorted(meter.gas.items())}
    return Costs(gas, meter.flows, rent)


class _Meter:
    """Sends the scenario's messages and writes down what they cost."""

    def __init__(self) -> None:
        self.lab: MoneyLab
        self.gas: dict[str, dict[str, int]] = {"client": {}, "proxy": {}, "worker": {}}
        self.flows: list[Flow] = []

    @contextmanager
    def flow(self, name: str, attached: int) -> Iterator[Callable[[Outcome], None]]:
        """Write down the flow that is passed to what this yields."""
        before = self.lab.totals.fees
        outcomes: list[Outcome] = []
        yield outcomes.append
        gas = tuple(part for outcome in outcomes for part in self.note(outcome))
        self.flows.append(Flow(name, attached, gas, self.lab.totals.fees - before))

    def send(self, name: str, source: Address, dest: Contract, value: int, body: Cell) -> None:
        """A flow of one message; ``value`` without the deposit that its body may state."""
        attached = value if value < TON else value % TON or TON
        with self.flow(name, attached) as done:
            done(self.lab.send(source, dest.address, value, body))

    def pay(self, name: str, operation: int, contract: Contract, tokens: int) -> None:
        """A flow of one signed payment."""
        with self.flow(name, ORDINARY) as done:
            done(self.lab.pay(operation, contract, tokens))

    def note(self, outcome: Outcome) -> list[tuple[str, int]]:
        """Gas of the contracts that ran."""
        kinds = {self.lab.proxy.address: "proxy"}
        kinds |= {contract.address: "client" for contract in self.lab.clients}
        kinds |= {contract.address: "worker" for contract in self.lab.workers}
        found = []
        for transaction in outcome.transactions:
            kind, message = kinds.get(transaction.address), transaction.in_message
            if kind and message and transaction.compute and not transaction.compute.skipped:
                gas, label = transaction.compute.gas_used, _label(message)
                known = self.gas[kind]
                known[label] = max(known.get(label, 0), gas)
                found.append((kind, gas))
        return found


def _label(message: Message) -> str:
    """Operation of a message, with its payload's; of a bounced one, of what came back."""
    body, prefix = message.body, ""
    if message.bounced:
        bounce = parse_bounce(body)
        assert bounce is not None
        body, prefix = bounce.body, "bounced "
    if body.bits < 32:
        return "deposit"
    operation = body.data >> (body.bits - 32)
    if operation == opcodes.TEXT_COMMENT:
        return f"text {chr(body.data & 0xFF)}"
    name = prefix + _NAMES[operation]
    if operation in _PAYLOADS and body.data & 1:
        payload = body.refs[-1]
        name += f" / {_NAMES[payload.data >> (payload.bits - 32)]}"
    return name


def _life(meter: _Meter) -> None:
    """Everything that a network does while it works."""
    lab = meter.lab
    stake = proxy_messages.increase_stake(1, TON, SUBMITTER)
    with meter.flow("deploy proxy", 300_000_000) as done:
        done(lab.deploy(lab.proxy, 300_000_000))
    meter.send("proxy: stake", OPERATOR, lab.proxy, TON + 200_000_000, stake)
    client, worker = lab.client(value=0), lab.worker(value=0)
    with meter.flow("deploy client", 800_000_000) as done:
        done(lab.deploy(client, 800_000_000))
    with meter.flow("deploy worker", 300_000_000) as done:
        done(lab.deploy(worker, 300_000_000))

    def owner(name: str, body: Cell, value: int = ORDINARY) -> None:
        meter.send(f"client: {name}", CLIENT_OWNER, client, value, body)

    owner("register (long authorisation)", client_messages.register(1, 7, SUBMITTER), TON)
    owner("change secret", client_messages.change_secret_hash(1, bytes(32), SUBMITTER))
    owner("top-up", client_messages.top_up(1, 20 * TON, SUBMITTER), 20 * TON + ORDINARY)
    both = client_messages.change_secret_hash_and_top_up(1, TON, bytes(32), SUBMITTER)
    owner("change secret and top-up", both, TON + ORDINARY)
    owner("increase stake", client_messages.increase_stake(1, 16 * TON, SUBMITTER))
    meter.pay("charge", opcodes.EXT_CLIENT_CHARGE_SIGNED, client, 100_000_000)
    meter.pay("worker payout", opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, worker, 60_000_000)
    payment = lab.payment(opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, worker, 10**9)
    limited = worker_messages.limited_payout(payment, 10_000_000, SUBMITTER)
    meter.send("worker payout, limited", SUBMITTER, worker, 500_000_000, limited)
    register = worker_messages.register(1, SUBMITTER)
    meter.send("worker: register", WORKER_OWNER, worker, 500_000_000, register)
    commission = proxy_messages.payout_request(1, SUBMITTER)
    meter.send("commission", STRANGER, lab.proxy, 200_000_000, commission)
    letter = proxy_messages.text_command(b"w")
    meter.send("commission by letter", OPERATOR, lab.proxy, 200_000_000, letter)
    commit = sign_commit(
        lab.key, 1, seqno=1, state_root=bytes(32), proxy=lab.proxy.address, excesses=SUBMITTER
    ).cell()
    meter.send("commit", SUBMITTER, lab.proxy, 20_000_000, commit)
    owner("withdraw", client_messages.withdraw(1, SUBMITTER))
    owner("request refund", client_messages.request_refund(1, SUBMITTER))
    lab.advance(43_201)
    owner("force refund", client_messages.request_refund(1, SUBMITTER))
    owner("reopen", client_messages.reopen(1, 20 * TON, SUBMITTER), 20 * TON + ORDINARY)
    meter.pay("grant refund", opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, client, 110_000_000)
    meter.pay(
        "worker's last payout", opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, worker, 80_000_000
    )


def _bounces(meter: _Meter) -> None:
    """What fails at the proxy contract and comes back."""
    lab = meter.lab
    client, worker = lab.client(), lab.worker()
    top_up = client_messages.top_up(1, 5 * TON, SUBMITTER)
    meter.send("top-up, refused", CLIENT_OWNER, client, 5 * TON + ORDINARY, top_up)
    meter.pay("worker payout, refused", opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, worker, 5)
    # An acknowledgement without a deposit, so that there is something to charge and to refund.
    credited = (
        Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(20 * TON)
        .address(CLIENT_OWNER).address(SUBMITTER).cell()
    )  # fmt: skip
    lab.send(lab.proxy.address, client.address, TON, credited)
    meter.pay("charge, refused", opcodes.EXT_CLIENT_CHARGE_SIGNED, client, 1000)
    settle = client_messages.settle(1, SUBMITTER)
    meter.send("settle, refused", SUBMITTER, client, ORDINARY, settle)
    withdraw = client_messages.withdraw(1, SUBMITTER)
    meter.send("withdraw, refused", CLIENT_OWNER, client, ORDINARY, withdraw)
    meter.pay("grant refund, refused", opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, client, 2000)
    refund = client_messages.request_refund(1, SUBMITTER)
    meter.send("force refund, refused", CLIENT_OWNER, client, ORDINARY, refund)


def _closing(meter: _Meter) -> None:
    """The end of a proxy contract, by its key, by its owner, and by letter."""
    lab = meter.lab
    lab.deploy_proxy()
    steps = lab.snapshot()
    first = sign_close_request(lab.key, 1, lab.proxy.address, SUBMITTER).cell()
    meter.send("proxy: close, signed", SUBMITTER, lab.proxy, TON, first)
    lab.advance(86_400)
    second = sign_close_complete(lab.key, 1, lab.proxy.address, SUBMITTER).cell()
    meter.send("proxy: complete, signed", SUBMITTER, lab.proxy, TON, second)
    lab.restore(steps)
    close = proxy_messages.close(1, SUBMITTER)
    meter.send("proxy: close", OPERATOR, lab.proxy, TON, close)
    lab.advance(86_400)
    meter.send("proxy: complete", OPERATOR, lab.proxy, TON, close)
    lab.restore(steps)
    meter.send(
        "proxy: close by letter", OPERATOR, lab.proxy, TON, proxy_messages.text_command(b"c")
    )


def _frozen(meter: _Meter) -> None:
    """The acknowledgement of a deposit meets a client contract that could not pay its rent."""
    lab = meter.lab
    lab.deploy_proxy(value=3 * TON)
    client = lab.client(value=200_000_000)
    lab.settle()
    top_up = client_messages.top_up(1, 5 * TON, SUBMITTER)
    lab.send(CLIENT_OWNER, client.address, 6 * TON, top_up)
    for outcome in (lab.advance(15 * YEAR), lab.tick(), lab.tick()):
        meter.note(outcome)
    lab.settle()


def _rent(lab: MoneyLab) -> dict[str, int]:
    """A year's rent of contracts that were used."""
    lab.deploy_proxy(value=TON)
    client, worker = lab.client(value=TON), lab.worker(value=TON)
    body = client_messages.top_up(1, 20 * TON, SUBMITTER)
    lab.send(CLIENT_OWNER, client.address, 21 * TON, body)
    lab.charge(client, 1000)
    lab.payout(worker, 1000)
    contracts = {"client": client, "proxy": lab.proxy, "worker": worker}
    for contract in contracts.values():
        lab.send(STRANGER, contract.address, 1)
    before = {kind: lab.balance(contract.address) for kind, contract in contracts.items()}
    lab.advance(YEAR)
    for contract in contracts.values():
        lab.send(STRANGER, contract.address, 1)
    return {kind: before[kind] + 1 - lab.balance(c.address) for kind, c in contracts.items()}
