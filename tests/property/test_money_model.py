"""A model of the money over the real TVM: random people, random order, every coin counted.

Messages run one at a time (one hop a block), so whatever can happen between two of them does. After
every step that leaves nothing in flight the books must balance to the nanoTON; at the end the proxy
with its keys and its operator's wallet is gone, and everybody takes back what is theirs.
"""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import client_messages, proxy_messages
from cocoon.chain.contracts.client_state import ClientLedger, ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import SignedPayment
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.chain.contracts.proxy_inbox import (
    ClientCharged,
    ClientRequest,
    PayoutRequest,
    RefundForced,
    RefundGranted,
    TopUp,
    WorkerRequest,
    read_proxy_message,
)
from cocoon.chain.contracts.replies import Payout, ProxyClientCredited, parse_reply
from cocoon.chain.contracts.worker_messages import limited_payout
from cocoon.chain.transaction import Transaction
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import (
    OPERATOR,
    STRANGER,
    SUBMITTER,
    Contract,
    MoneyLab,
    someone,
)

PRICE, FEE = 20, 14
CLIENT_DELAY, PROXY_DELAY = 43_200, 86_400
MIN_STAKE = 2 * TON
CLIENTS = tuple(someone(0x0C01 + number) for number in range(2))
WORKERS = tuple(someone(0x0D01 + number) for number in range(2))
VALUES = st.sampled_from([*[700_000_000] * 8, 120_000_000, 100_000_000, 40_000_000, 1])
"""What people attach: what official runners do, the least, and too little."""
RARELY = st.sampled_from([False, False, False, False, True])
"""For what ends something: otherwise most runs would be over before money has moved."""
AMOUNTS = st.sampled_from([1, TON, 3 * TON, 20 * TON])
TOKENS = st.sampled_from([1, 1000, TON // PRICE, 2 * TON // PRICE])
CLIENT = st.integers(0, len(CLIENTS) - 1)
WORKER = st.integers(0, len(WORKERS) - 1)
NEWEST = st.sampled_from([True, True, False])


@dataclass
class Member:
    """A client or a worker: its contract, and what the proxy signed for it."""

    contract: Contract
    tokens: int = 0
    signed: list[SignedPayment] = field(default_factory=list)
    granted: list[SignedPayment] = field(default_factory=list)

    def pick(self, newest: bool) -> SignedPayment | None:
        return (self.signed[-1] if newest else self.signed[0]) if self.signed else None


@dataclass
class Flows:
    """What a client's money did, from the transactions."""

    credited: int = 0
    charged: int = 0
    returned: int = 0


class MoneyModel(RuleBasedStateMachine):
    """Everybody does anything."""

    def __init__(self) -> None:
        super().__init__()
        self.chain = memory_chain(max_hops=1)
        self.lab = MoneyLab(self.chain, min_client_stake=MIN_STAKE)
        self.lab.deploy_proxy()
        self.clients = [Member(self.lab.client(owner)) for owner in CLIENTS]
        self.workers = [Member(self.lab.worker(owner)) for owner in WORKERS]
        self.flows = [Flows() for _ in CLIENTS]
        self.worker_received = 0
        self.operator_received = 0
        self.stake_given = 0
        self.closing_signed = False
        self.commit_seqno = 0
        self.drain()
        self.stake_given = self.lab.books().stake
        for number in range(len(CLIENTS)):
            self.top_up(number, 5 * TON, TON)
        self.drain()

    def teardown(self) -> None:
        try:
            self.recover_everything()
        finally:
            self.chain.close()

    # --- running ---

    def run(self, outcome: Outcome) -> None:
        for transaction in outcome.transactions:
            self.follow(transaction)

    def follow(self, parsed: Transaction) -> None:
        """Note what this transaction really did with money."""
        if parsed.aborted or parsed.in_message is None:
            return
        for number, member in enumerate(self.clients):
            if parsed.address == member.contract.address and not parsed.in_message.bounced:
                reply = parse_reply(parsed.in_message.body)
                if isinstance(reply, ProxyClientCredited):
                    self.flows[number].credited += reply.amount
        if parsed.address != self.lab.proxy.address or parsed.in_message.bounced:
            return
        event = read_proxy_message(parsed.in_message)
        if isinstance(event, ClientCharged):
            self.flows[CLIENTS.index(event.owner)].charged += event.amount
        if isinstance(event, ClientRequest) and isinstance(
            event.payload, RefundGranted | RefundForced
        ):
            self.flows[CLIENTS.index(event.owner)].returned += event.payload.amount
        if isinstance(event, WorkerRequest) and isinstance(event.payload, PayoutRequest):
            self.worker_received += event.payload.worker_part
        for message in parsed.out_messages:
            if message.dest == OPERATOR and isinstance(parse_reply(message.body), Payout):
                self.operator_received += message.value

    def send(
        self, source: Address, dest: Address, value: int, body: Cell, *, bounce: bool = True
    ) -> None:
        self.run(self.lab.send(source, dest, value, body, bounce=bounce))

    def drain(self) -> None:
        while self.chain.waiting:
            self.run(self.lab.tick())

    def wait(self, seconds: int) -> None:
        self.chain.freeze(self.chain.now + seconds)
        self.run(self.lab.tick())

    @rule()
    @precondition(lambda self: self.chain.waiting)
    def one_message(self) -> None:
        self.run(self.lab.tick())

    @rule()
    def everything_arrives(self) -> None:
        self.drain()

    @rule(seconds=st.sampled_from([60, CLIENT_DELAY + 1, PROXY_DELAY + 1]))
    def time_passes(self, seconds: int) -> None:
        self.wait(seconds)

    # --- clients ---

    @rule(who=CLIENT, amount=AMOUNTS, value=VALUES)
    def top_up(self, who: int, amount: int, value: int) -> None:
        body = client_messages.top_up(self.lab.query(), amount, SUBMITTER)
        self.send(SUBMITTER, self.clients[who].contract.address, amount + value, body)

    @rule(
        who=CLIENT,
        what=st.sampled_from(
            [*["withdraw"] * 3, "refund", *["secret"] * 2, "stake", "reopen", "settle"]
        ),
        value=VALUES,
        thief=st.sampled_from([False, False, False, True]),
    )
    def owner_asks(self, who: int, what: str, value: int, thief: bool) -> None:
        query, contract = self.lab.query(), self.clients[who].contract
        body = {
            "withdraw": client_messages.withdraw(query, SUBMITTER),
            "refund": client_messages.request_refund(query, SUBMITTER),
            "secret": client_messages.change_secret_hash(query, bytes([who]) * 32, SUBMITTER),
            "stake": client_messages.increase_stake(query, 3 * TON, SUBMITTER),
            "reopen": client_messages.reopen(query, TON, SUBMITTER),
            "settle": client_messages.settle(query, SUBMITTER),
        }[what]
        extra = TON if what == "reopen" else 0
        self.send(STRANGER if thief else contract.owner, contract.address, value + extra, body)

    # --- usage and signatures ---

    @rule(client=CLIENT, worker=WORKER, tokens=TOKENS, charged=st.booleans())
    def usage(self, client: int, worker: int, tokens: int, charged: bool) -> None:
        """A proxy signs both sides; a hostile one signs a payout that nobody is charged for."""
        if charged:
            member = self.clients[client]
            member.tokens += tokens
            member.signed.append(
                self.lab.payment(opcodes.EXT_CLIENT_CHARGE_SIGNED, member.contract, member.tokens)
            )
        earner = self.workers[worker]
        earner.tokens += tokens
        earner.signed.append(
            self.lab.payment(
                opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED, earner.contract, earner.tokens
            )
        )

    @rule(who=CLIENT, newest=NEWEST, value=VALUES, times=st.integers(1, 2))
    def charge(self, who: int, newest: bool, value: int, times: int) -> None:
        member = self.clients[who]
        payment = member.pick(newest)
        for _ in range(times if payment else 0):
            assert payment is not None
            self.send(SUBMITTER, member.contract.address, value, payment.body())

    @rule(who=WORKER, newest=NEWEST, value=VALUES, times=st.integers(1, 2))
    def payout(self, who: int, newest: bool, value: int, times: int) -> None:
        member = self.workers[who]
        payment = member.pick(newest)
        for _ in range(times if payment else 0):
            assert payment is not None
            self.send(SUBMITTER, member.contract.address, value, payment.body())

    @rule(who=WORKER, limit=TOKENS, value=VALUES)
    def payout_in_part(self, who: int, limit: int, value: int) -> None:
        payment = self.workers[who].pick(True)
        if payment is not None:
            body = limited_payout(payment, limit, SUBMITTER)
            self.send(SUBMITTER, self.workers[who].contract.address, value, body)

    @rule(who=WORKER, value=VALUES, really=RARELY)
    def last_payout(self, who: int, value: int, really: bool) -> None:
        if not really:
            return
        member = self.workers[who]
        payment = self.lab.payment(
            opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, member.contract, member.tokens
        )
        self.send(SUBMITTER, member.contract.address, value, payment.body())

    @rule(who=CLIENT, value=VALUES, really=RARELY)
    def grant_refund(self, who: int, value: int, really: bool) -> None:
        if not really:
            return
        member = self.clients[who]
        payment = self.lab.payment(
            opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, member.contract, member.tokens
        )
        member.granted.append(payment)
        self.send(SUBMITTER, member.contract.address, value, payment.body())

    @rule(who=CLIENT, newest=NEWEST, value=VALUES)
    def an_old_grant(self, who: int, newest: bool, value: int) -> None:
        """Anybody repeats it; a client that has opened again does not leave with it."""
        member = self.clients[who]
        if not member.granted:
            return
        grant = member.granted[-1 if newest else 0]
        before = self.lab.client_state(member.contract)
        self.send(STRANGER, member.contract.address, value, grant.body())
        reopened = before.ledger is not None and before.ledger.reopened
        if reopened and grant.tokens <= before.tokens_used:
            assert self.lab.client_state(member.contract).phase == before.phase

    # --- the proxy and its operator ---

    @rule(
        what=st.sampled_from(
            [*["commission"] * 3, "close", "signed close", "signed complete", "stake", "commit"]
        ),
        value=VALUES,
        sender=st.sampled_from([OPERATOR, OPERATOR, STRANGER]),
    )
    def operator_acts(self, what: str, value: int, sender: Address) -> None:
        query, proxy, key = self.lab.query(), self.lab.proxy.address, self.lab.key
        self.commit_seqno += 1
        body = {
            "commission": lambda: proxy_messages.payout_request(query, SUBMITTER),
            "close": lambda: proxy_messages.close(query, SUBMITTER),
            "signed close": lambda: sign_close_request(key, query, proxy, SUBMITTER).cell(),
            "signed complete": lambda: sign_close_complete(key, query, proxy, SUBMITTER).cell(),
            "stake": lambda: proxy_messages.increase_stake(query, TON, SUBMITTER),
            "commit": lambda: sign_commit(
                key,
                query,
                seqno=self.commit_seqno,
                state_root=bytes(32),
                proxy=proxy,
                excesses=SUBMITTER,
            ).cell(),
        }[what]()
        extra = TON if what == "stake" else 0
        self.send(sender, proxy, value + extra, body)

    # --- thieves ---

    @rule(
        who=CLIENT,
        what=st.sampled_from(["refund", "force", "top up", "charged", "payout", "credited"]),
        bounce=st.booleans(),
    )
    def thief_lies(self, who: int, what: str, bounce: bool) -> None:
        """A stranger sends what only a contract of the network may send."""
        query, owner = self.lab.query(), CLIENTS[who]
        proxy, client = self.lab.proxy.address, self.clients[who].contract.address
        state = self.lab.client_state(self.clients[who].contract).snapshot
        amount = 5 * TON

        def request(payload: TopUp | RefundGranted | RefundForced) -> Cell:
            return ClientRequest(query, owner, state, payload).cell()

        dest, body = {
            "refund": (proxy, request(RefundGranted(amount, STRANGER))),
            "force": (proxy, request(RefundForced(amount, STRANGER))),
            "top up": (proxy, request(TopUp(amount, STRANGER))),
            "charged": (proxy, ClientCharged(query, amount, owner, STRANGER).cell()),
            "payout": (
                proxy,
                WorkerRequest(
                    query, STRANGER, ContractPhase.OPEN, 9, PayoutRequest(amount, 1, STRANGER)
                ).cell(),
            ),
            "credited": (client, ProxyClientCredited(query, amount, owner, STRANGER).cell()),
        }[what]
        self.send(STRANGER, dest, TON, body, bounce=bounce)

    # --- what must hold ---

    @invariant()
    def the_books_balance(self) -> None:
        if self.chain.waiting:
            return
        self.lab.check()
        books, ledger = self.lab.books(), self.lab.ledger()
        price_of_paid = ledger.paid_total
        assert self.worker_received * PRICE == price_of_paid * FEE
        commission = price_of_paid - self.worker_received
        stake = books.stake
        if books.phase is ContractPhase.CLOSED:
            stake = 0
        # Commission that left plus commission that is there is what workers' payouts made.
        taken = self.operator_received
        assert taken <= commission + self.total_stake()
        assert books.balance <= commission
        assert stake <= self.total_stake()
        for number, member in enumerate(self.clients):
            self.check_client(self.flows[number], member)
        for worker in self.workers:
            assert self.lab.worker_state(worker.contract).tokens <= worker.tokens

    def check_client(self, flows: Flows, member: Member) -> None:
        """What a client prepaid is charged, returned, or still its own: nobody else's."""
        state = self.lab.client_state(member.contract)
        extra = state.ledger or ClientLedger()
        assert flows.credited == flows.charged + flows.returned + state.balance + extra.unsettled
        assert state.tokens_used <= member.tokens
        assert flows.charged + extra.unsettled + extra.debt <= state.tokens_used * PRICE

    def total_stake(self) -> int:
        """Stake that anybody ever gave."""
        return self.stake_given + self.stake_added

    @property
    def stake_added(self) -> int:
        added = 0
        for transaction in self.chain.transactions(self.lab.proxy.address, limit=100):
            parsed = transaction.parsed
            if not parsed.aborted and parsed.in_message is not None:
                event = read_proxy_message(parsed.in_message)
                added += getattr(event, "amount", 0) if _adds_stake(event) else 0
        return added

    # --- the way out ---

    def recover_everything(self) -> None:
        """The proxy, its key and its operator's wallet are gone: everybody gets what is theirs."""
        self.drain()
        self.publish_charges()
        self.cash_out()
        for member in self.clients:
            self.force_refund(member)
        self.drain()
        ledger = self.lab.ledger()
        assert ledger.client_funds == 0
        self.lab.check()
        self.the_books_balance()
        self.close_as_owner()
        books = self.lab.books()
        assert books.phase is ContractPhase.CLOSED
        assert books.stake == books.balance == 0

    def publish_charges(self) -> None:
        for member in self.clients:
            contract = member.contract.address
            body = client_messages.settle(self.lab.query(), SUBMITTER)
            self.send(STRANGER, contract, TON, body)
            payment = member.pick(True)
            if payment is not None:
                self.send(STRANGER, contract, TON, payment.body())
            self.drain()

    def cash_out(self) -> None:
        """Workers take all that the charges on chain cover; only then may anything be left."""
        for member in self.workers:
            payment = member.pick(True)
            if payment is None:
                continue
            covered = self.lab.ledger().earned // PRICE
            if covered:
                body = limited_payout(payment, covered, SUBMITTER)
                self.send(member.contract.owner, member.contract.address, TON, body)
                self.drain()
            state = self.lab.worker_state(member.contract)
            left = self.lab.ledger().earned
            assert (
                left < PRICE or state.tokens == member.tokens or state.phase is ContractPhase.CLOSED
            )

    def force_refund(self, member: Member) -> None:
        """Ask, wait, ask again: alone, and with the machine key gone."""
        owner, contract = member.contract.owner, member.contract
        owed = self.lab.client_state(contract).balance
        before = self.lab.balance(owner)
        for _ in range(2):
            state: ClientState = self.lab.client_state(contract)
            if state.phase is not ContractPhase.CLOSED:
                body = client_messages.request_refund(self.lab.query(), owner)
                self.send(owner, contract.address, TON, body)
                self.drain()
                self.wait(CLIENT_DELAY + 1)
        state = self.lab.client_state(contract)
        assert state.phase is ContractPhase.CLOSED
        assert state.balance == 0
        assert self.lab.balance(owner) >= before + owed

    def close_as_owner(self) -> None:
        for _ in range(2):
            if self.lab.books().phase is not ContractPhase.CLOSED:
                body = proxy_messages.close(self.lab.query(), OPERATOR)
                self.send(OPERATOR, self.lab.proxy.address, TON, body)
                self.drain()
                self.wait(PROXY_DELAY + 1)
        body = proxy_messages.payout_request(self.lab.query(), OPERATOR)
        self.send(OPERATOR, self.lab.proxy.address, TON, body)
        self.drain()


def _adds_stake(event: object) -> bool:
    return type(event).__name__ == "StakeIncrease"


TestMoneyModel = MoneyModel.TestCase
TestMoneyModel.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
