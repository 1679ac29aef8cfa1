"""Every operation in every state, from right and wrong senders, at the limits of its values.

The tables state the exit code of the contract itself: 0 where it accepts. A refusal changes no
state, and the value goes back to its sender.
"""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import inner_cell, sign_payment, signed_envelope
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.chain.keys import SecretKey
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import Outcome
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    STRANGER,
    SUBMITTER,
    WORKER_OWNER,
    MoneyLab,
)

MILLION = 1_000_000
TENTH = TON // 10
"""The least value of most operations."""
ORDINARY = 700_000_000
DELAY, PROXY_DELAY = 43_200, 86_400
USED = 1000
"""Tokens that were charged and paid out before each test."""
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED
CLOSE = opcodes.EXT_PROXY_CLOSE_REQUEST_SIGNED
COMPLETE = opcodes.EXT_PROXY_CLOSE_COMPLETE_REQUEST_SIGNED


class Case(NamedTuple):
    """One message: what, from whom, with which value, and exit codes in states 0, 1, 2."""

    name: str
    body: Callable[[MoneyLab, object], Cell]
    sender: Address
    value: int
    codes: tuple[int, int, int]


def client_phase(lab: MoneyLab, stage, phase: int) -> None:
    lab.charge(stage.client, USED)
    if phase == ContractPhase.CLOSING:
        body = client_messages.request_refund(lab.query(), CLIENT_OWNER)
        assert lab.send(CLIENT_OWNER, stage.client.address, ORDINARY, body).ok
    if phase == ContractPhase.CLOSED:
        assert lab.pay(GRANT, stage.client, USED).ok
    # A closed contract has handed out its own coins.
    lab.send(STRANGER, stage.client.address, TON)
    assert lab.client_state(stage.client).phase == phase


def worker_phase(lab: MoneyLab, stage, phase: int) -> None:
    lab.charge(stage.client, 10 * MILLION)
    assert lab.payout(stage.worker, USED).ok
    if phase == ContractPhase.CLOSED:
        assert lab.pay(LAST, stage.worker, USED).ok
    lab.send(STRANGER, stage.worker.address, TON)
    assert lab.worker_state(stage.worker).phase == phase


def proxy_phase(lab: MoneyLab, stage, phase: int) -> None:
    lab.charge(stage.client, MILLION)
    lab.payout(stage.worker, USED)
    for _ in range(phase):
        body = proxy_messages.close(lab.query(), OPERATOR)
        assert lab.send(OPERATOR, lab.proxy.address, TON, body).ok
        lab.advance(PROXY_DELAY)
    assert lab.books().phase == phase


def refused(lab: MoneyLab, before: Cell, contract: Address, outcome: Outcome, code: int) -> None:
    """The state is as it was, and the value went back."""
    assert outcome.exit_code == code
    assert lab.chain.account(contract).data == before
    assert outcome.first.bounced
    lab.check()


def run_case(lab: MoneyLab, stage, contract: Address, case: Case, code: int) -> None:
    before = lab.chain.account(contract).data
    body = case.body(lab, stage)
    outcome = lab.send(case.sender, contract, case.value, body)
    if code:
        refused(lab, before, contract, outcome, code)
    else:
        assert outcome.exit_code == 0
        assert outcome.ok
        assert not [t for t in outcome.transactions if t.compute and t.compute.exit_code > 1]
        lab.check()


def signed(operation: int, tokens: int) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        child = stage.client if operation in {CHARGE, GRANT} else stage.worker
        return lab.payment(operation, child, tokens).body()

    return build


def by_wrong_key(operation: int) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        child = stage.client if operation in {CHARGE, GRANT} else stage.worker
        return sign_payment(
            SecretKey(bytes([8]) * 32), operation, query_id=1, tokens=2 * USED,
            address=child.address, excesses=SUBMITTER,
        ).body()  # fmt: skip

    return build


def for_another(operation: int) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        child = stage.other_client if operation in {CHARGE, GRANT} else stage.other_worker
        return lab.payment(operation, child, 2 * USED).body()

    return build


def mismatch(operation: int, inner_operation: int) -> Callable[[MoneyLab, object], Cell]:
    """An envelope around an order that was signed for something else."""

    def build(lab: MoneyLab, stage) -> Cell:
        child = stage.client if operation in {CHARGE, GRANT} else stage.worker
        inner = inner_cell(inner_operation, 1, 2 * USED, child.address)
        out = Builder().uint(operation, 32).uint(1, 64).address(SUBMITTER)
        return out.raw(lab.key.sign(inner.hash)).ref(inner).cell()

    return build


def wrong_query(operation: int) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        child = stage.client if operation in {CHARGE, GRANT} else stage.worker
        inner = inner_cell(operation, 1, 2 * USED, child.address)
        out = Builder().uint(operation, 32).uint(2, 64).address(SUBMITTER)
        return out.raw(lab.key.sign(inner.hash)).ref(inner).cell()

    return build


def fixed(body: Cell) -> Callable[[MoneyLab, object], Cell]:
    return lambda lab, stage: body


def client(message: Callable[..., Cell], *arguments: object) -> Callable[[MoneyLab, object], Cell]:
    return lambda lab, stage: message(1, *arguments, SUBMITTER)


M = client_messages
SECRET = bytes([3]) * 32
CLIENT_CASES = [
    Case("top-up", client(M.top_up, TON), STRANGER, TON + TENTH, (0, 1006, 1006)),
    Case("top-up of nothing", client(M.top_up, 0), STRANGER, TENTH, (0, 1006, 1006)),
    Case("top-up, low value", client(M.top_up, TON), STRANGER, TON + TENTH - 1, (1003, 1006, 1006)),
    Case("top-up, huge", client(M.top_up, 2**64 - 1), STRANGER, TON, (1003, 1006, 1006)),
    Case("reopen", client(M.reopen, TON), CLIENT_OWNER, TON + TENTH, (1006, 1006, 0)),
    Case("reopen, low value", client(M.reopen, TON), CLIENT_OWNER, TON, (1006, 1006, 1003)),
    Case("reopen, stranger", client(M.reopen, TON), STRANGER, 2 * TON, (1010, 1010, 1010)),
    Case("register", client(M.register, 7), CLIENT_OWNER, TENTH, (0, 0, 1006)),
    Case("register, stranger", client(M.register, 7), STRANGER, TON, (1010, 1010, 1010)),
    Case("register, low value", client(M.register, 7), CLIENT_OWNER, TENTH - 1, (1003, 1003, 1006)),
    Case("secret", client(M.change_secret_hash, SECRET), CLIENT_OWNER, TENTH, (0, 0, 1006)),
    Case("secret, stranger", client(M.change_secret_hash, SECRET), STRANGER, TON, (1010,) * 3),
    Case("secret, low value", client(M.change_secret_hash, SECRET), CLIENT_OWNER, 99_999_999,
         (1003, 1003, 1006)),
    # In state 1 the money still counts, as in the official contract; the proxy contract is open.
    Case("secret and top-up",
         lambda lab, stage: M.change_secret_hash_and_top_up(1, TON, SECRET, SUBMITTER),
         CLIENT_OWNER, TON + TENTH, (0, 0, 1006)),
    Case("secret and top-up, stranger",
         lambda lab, stage: M.change_secret_hash_and_top_up(1, TON, SECRET, SUBMITTER),
         STRANGER, 2 * TON, (1010, 1010, 1010)),
    Case("stake", client(M.increase_stake, 15 * TON + 1), CLIENT_OWNER, TENTH, (0, 0, 1006)),
    Case("stake, same", client(M.increase_stake, 15 * TON), CLIENT_OWNER, TON, (1003, 1003, 1006)),
    Case("stake, stranger", client(M.increase_stake, 16 * TON), STRANGER, TON, (1010,) * 3),
    Case("stake, most", client(M.increase_stake, 2**64 - 1), CLIENT_OWNER, TENTH, (0, 0, 1006)),
    Case("stake, over 64 bits",
         fixed(Builder().uint(opcodes.OWNER_CLIENT_INCREASE_STAKE, 32).uint(1, 64)
               .uint(9, 4).uint(2**64, 72).address(SUBMITTER).cell()),
         CLIENT_OWNER, TON, (5, 5, 1006)),
    Case("withdraw", client(M.withdraw), CLIENT_OWNER, TENTH, (0, 1006, 1006)),
    Case("withdraw, stranger", client(M.withdraw), STRANGER, TON, (1009, 1009, 1009)),
    Case("withdraw, low value", client(M.withdraw), CLIENT_OWNER, TENTH - 1, (1003, 1006, 1006)),
    Case("refund", client(M.request_refund), CLIENT_OWNER, TENTH, (0, 1011, 1006)),
    Case("refund, stranger", client(M.request_refund), STRANGER, TON, (1009, 1009, 1009)),
    Case("refund, low value", client(M.request_refund), CLIENT_OWNER, TENTH - 1,
         (1003, 1003, 1006)),
    Case("charge", signed(CHARGE, USED + 1), STRANGER, TENTH, (0, 0, 1006)),
    Case("charge, old", signed(CHARGE, USED), STRANGER, TON, (1000, 1000, 1006)),
    Case("charge, older", signed(CHARGE, 1), STRANGER, TON, (1000, 1000, 1006)),
    Case("charge, low value", signed(CHARGE, 2 * USED), STRANGER, TENTH - 1, (1003, 1003, 1006)),
    Case("charge, most", signed(CHARGE, 2**63 - 1), STRANGER, TENTH, (0, 0, 1006)),
    Case("charge, wrong key", by_wrong_key(CHARGE), STRANGER, TON, (1007, 1007, 1007)),
    Case("charge, wrong address", for_another(CHARGE), STRANGER, TON, (1015, 1015, 1006)),
    Case("charge, signed as grant", mismatch(CHARGE, GRANT), STRANGER, TON, (1005, 1005, 1005)),
    Case("charge, signed as payout", mismatch(CHARGE, PAYOUT), STRANGER, TON, (1005,) * 3),
    Case("charge, other query", wrong_query(CHARGE), STRANGER, TON, (1005, 1005, 1005)),
    Case("grant", signed(GRANT, USED), STRANGER, TENTH, (0, 0, 1006)),
    Case("grant, newer", signed(GRANT, USED + 1), STRANGER, TENTH, (0, 0, 1006)),
    Case("grant, most", signed(GRANT, 2**63 - 1), STRANGER, TENTH, (0, 0, 1006)),
    Case("grant, old", signed(GRANT, USED - 1), STRANGER, TON, (1000, 1000, 1006)),
    Case("grant, low value", signed(GRANT, USED), STRANGER, TENTH - 1, (1003, 1003, 1006)),
    Case("grant, wrong key", by_wrong_key(GRANT), STRANGER, TON, (1007, 1007, 1007)),
    Case("grant, wrong address", for_another(GRANT), STRANGER, TON, (1015, 1015, 1006)),
    Case("grant, signed as charge", mismatch(GRANT, CHARGE), STRANGER, TON, (1005, 1005, 1005)),
    Case("settle", client(M.settle), STRANGER, TON, (1001, 1001, 1001)),
    Case("unknown", fixed(Builder().uint(0x12345678, 32).uint(1, 64).cell()), CLIENT_OWNER, TON,
         (1012, 1012, 1012)),
    Case("text", fixed(Builder().uint(0, 32).uint(0x63, 8).cell()), CLIENT_OWNER, TON, (1012,) * 3),
    Case("short", fixed(Builder().uint(1, 31).cell()), CLIENT_OWNER, TON, (9, 9, 9)),
    Case("empty", fixed(Builder().cell()), STRANGER, TON, (0, 0, 0)),
    Case("forged credit",
         fixed(Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(TON)
               .address(CLIENT_OWNER).address(SUBMITTER).cell()),
         CLIENT_OWNER, TON, (1014, 1014, 1014)),
]  # fmt: skip


@pytest.mark.parametrize("phase", [0, 1, 2])
@pytest.mark.parametrize("case", CLIENT_CASES, ids=lambda case: case.name)
def test_client(stage, lab, case: Case, phase: int) -> None:
    stage.reach(f"client {phase}", lambda: client_phase(lab, stage, phase))
    run_case(lab, stage, stage.client.address, case, case.codes[phase])


W = worker_messages


def limited(tokens: int, limit: int) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        payment = lab.payment(PAYOUT, stage.worker, tokens)
        inner = inner_cell(PAYOUT, payment.query_id, tokens, stage.worker.address)
        out = Builder().uint(opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED, 32)
        out.uint(payment.query_id, 64).address(SUBMITTER).raw(payment.signature)
        return out.uint(limit, 64).ref(inner).cell()

    return build


def limited_last(lab: MoneyLab, stage) -> Cell:
    """A last payout cannot be limited: it would not close the contract."""
    payment = lab.payment(LAST, stage.worker, 2 * USED)
    inner = inner_cell(LAST, payment.query_id, 2 * USED, stage.worker.address)
    out = Builder().uint(opcodes.EXT_WORKER_PAYOUT_LIMITED_SIGNED, 32)
    out.uint(payment.query_id, 64).address(SUBMITTER).raw(payment.signature)
    return out.uint(1, 64).ref(inner).cell()


LEAST = TENTH + 1
"""A worker contract wants more than 0.1 TON."""
WORKER_CASES = [
    Case("payout", signed(PAYOUT, USED + 1), STRANGER, LEAST, (0, 0, 1006)),
    Case("payout, low value", signed(PAYOUT, USED + 1), STRANGER, TENTH, (1003, 0, 1006)),
    Case("payout, old", signed(PAYOUT, USED), STRANGER, TON, (1000, 0, 1006)),
    Case("payout, too much at once", signed(PAYOUT, 2**63 - 1), STRANGER, TON, (5, 0, 1006)),
    Case("payout, wrong key", by_wrong_key(PAYOUT), STRANGER, TON, (1007, 0, 1007)),
    Case("payout, wrong address", for_another(PAYOUT), STRANGER, TON, (1015, 0, 1006)),
    Case("payout, signed as last", mismatch(PAYOUT, LAST), STRANGER, TON, (1005, 0, 1005)),
    Case("payout, other query", wrong_query(PAYOUT), STRANGER, TON, (1005, 0, 1005)),
    Case("last", signed(LAST, USED), STRANGER, LEAST, (0, 0, 1006)),
    Case("last, newer", signed(LAST, USED + 1), STRANGER, LEAST, (0, 0, 1006)),
    Case("last, old", signed(LAST, USED - 1), STRANGER, TON, (1000, 0, 1006)),
    Case("last, low value", signed(LAST, USED), STRANGER, TENTH, (1003, 0, 1006)),
    Case("last, wrong key", by_wrong_key(LAST), STRANGER, TON, (1007, 0, 1007)),
    Case("last, wrong address", for_another(LAST), STRANGER, TON, (1015, 0, 1006)),
    Case("last, signed as payout", mismatch(LAST, PAYOUT), STRANGER, TON, (1005, 0, 1005)),
    Case("limited", limited(2 * USED, 1), STRANGER, LEAST, (0, 0, 1006)),
    Case("limited, most", limited(2**63 - 1, USED), STRANGER, LEAST, (0, 0, 1006)),
    Case("limited, loosely", limited(USED + 1, 2**64 - 1), STRANGER, LEAST, (0, 0, 1006)),
    Case("limited to nothing", limited(2 * USED, 0), STRANGER, TON, (1000, 0, 1006)),
    Case("limited, old", limited(USED, 5), STRANGER, TON, (1000, 0, 1006)),
    Case("limited last", limited_last, STRANGER, TON, (1005, 0, 1005)),
    Case("register", client(W.register), WORKER_OWNER, LEAST, (0, 0, 1006)),
    Case("register, stranger", client(W.register), STRANGER, TON, (1010, 0, 1010)),
    Case("register, low value", client(W.register), WORKER_OWNER, TENTH, (1003, 0, 1006)),
    Case("charge", signed(CHARGE, 5), STRANGER, TON, (1012, 0, 1012)),
    Case("unknown", fixed(Builder().uint(0x12345678, 32).uint(1, 64).cell()), STRANGER, TON,
         (1012, 0, 1012)),
    Case("short", fixed(Builder().uint(1, 31).cell()), WORKER_OWNER, TON, (9, 0, 9)),
    Case("empty", fixed(Builder().cell()), STRANGER, TON, (0, 0, 0)),
]  # fmt: skip


@pytest.mark.parametrize("phase", [0, 2])
@pytest.mark.parametrize("case", WORKER_CASES, ids=lambda case: case.name)
def test_worker(stage, lab, case: Case, phase: int) -> None:
    stage.reach(f"worker {phase}", lambda: worker_phase(lab, stage, phase))
    run_case(lab, stage, stage.worker.address, case, case.codes[phase])


P = proxy_messages


def close_order(
    sign: Callable[..., object], *, key: SecretKey | None = None, wrong_target: bool = False
) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        target = stage.client.address if wrong_target else lab.proxy.address
        return sign(key or lab.key, 1, target, SUBMITTER).cell()

    return build


def confused_close(lab: MoneyLab, stage) -> Cell:
    """The first step's signature in the second step's envelope."""
    inner = Builder().uint(CLOSE, 32).uint(1, 64).address(lab.proxy.address).cell()
    out = Builder().uint(COMPLETE, 32).uint(1, 64).address(SUBMITTER)
    return out.raw(lab.key.sign(inner.hash)).ref(inner).cell()


def commit(
    seqno: int, *, key: SecretKey | None = None, wrong_target: bool = False
) -> Callable[[MoneyLab, object], Cell]:
    def build(lab: MoneyLab, stage) -> Cell:
        target = stage.client.address if wrong_target else lab.proxy.address
        return sign_commit(
            key or lab.key, 1, seqno=seqno, state_root=SECRET, proxy=target, excesses=SUBMITTER
        ).cell()

    return build


def token_order_as_commit(lab: MoneyLab, stage) -> Cell:
    """A signed charge is no commit, whatever the envelope says."""
    inner = inner_cell(CHARGE, 1, 5, lab.proxy.address)
    envelope = signed_envelope(inner, lab.key.sign(inner.hash), SUBMITTER)
    rest = envelope.data & (1 << envelope.bits - 32) - 1
    out = Builder().uint(opcodes.EXT_PROXY_COMMIT_SIGNED, 32).uint(rest, envelope.bits - 32)
    return out.ref(inner).cell()


def client_request(payload: Cell | None, owner: Address = CLIENT_OWNER) -> Cell:
    out = Builder().uint(opcodes.CLIENT_PROXY_REQUEST, 32).uint(1, 64).address(owner)
    return out.ref(Builder().cell()).maybe_ref(payload).cell()


def worker_request(payload: Cell | None, owner: Address = WORKER_OWNER) -> Cell:
    out = Builder().uint(opcodes.WORKER_PROXY_REQUEST, 32).uint(1, 64).address(owner)
    return out.uint(0, 2).uint(5, 64).maybe_ref(payload).cell()


def paying(operation: int, amount: int) -> Cell:
    return Builder().uint(operation, 32).coins(amount).address(SUBMITTER).cell()


REFUND = paying(opcodes.CLIENT_PROXY_REFUND_GRANTED, TON)
FORCE = paying(opcodes.CLIENT_PROXY_REFUND_FORCE, TON)
TOP_UP = paying(opcodes.CLIENT_PROXY_TOP_UP, TON)
REGISTER = Builder().uint(opcodes.CLIENT_PROXY_REGISTER, 32).uint(7, 64).cell()
CHARGED = (
    Builder().uint(opcodes.CLIENT_PROXY_CHARGED, 32).uint(1, 64).coins(TON)
    .address(CLIENT_OWNER).address(SUBMITTER).cell()
)  # fmt: skip
WORK = (
    Builder().uint(opcodes.WORKER_PROXY_PAYOUT_REQUEST, 32).coins(1).coins(1)
    .address(SUBMITTER).cell()
)  # fmt: skip
LARGE = TON + TENTH
PROXY_CASES = [
    Case("stake", client(P.increase_stake, TON), STRANGER, LARGE, (0, 0, 1006)),
    Case("stake, low value", client(P.increase_stake, TON), STRANGER, LARGE - 1,
         (1003, 1003, 1003)),
    Case("stake, huge", client(P.increase_stake, 2**64 - 1), STRANGER, TON, (1003, 1003, 1003)),
    Case("commission", client(P.payout_request), STRANGER, TENTH, (0, 0, 0)),
    Case("commission, low value", client(P.payout_request), STRANGER, TENTH - 1,
         (1003, 1003, 1003)),
    Case("close", client(P.close), OPERATOR, TENTH, (0, 0, 1006)),
    Case("close, stranger", client(P.close), STRANGER, TON, (1010, 1010, 1010)),
    Case("close, low value", client(P.close), OPERATOR, TENTH - 1, (1003, 1003, 1003)),
    Case("signed close", close_order(sign_close_request), STRANGER, TENTH, (0, 1006, 1006)),
    Case("signed close, low value", close_order(sign_close_request), STRANGER, TENTH - 1,
         (1003, 1003, 1003)),
    Case("signed close, wrong key", close_order(sign_close_request, key=SecretKey(SECRET)),
         STRANGER, TON, (1007, 1007, 1007)),
    Case("signed close, wrong address", close_order(sign_close_request, wrong_target=True),
         STRANGER, TON, (1015, 1006, 1006)),
    Case("complete", close_order(sign_close_complete), STRANGER, TENTH, (1006, 0, 1006)),
    Case("complete, wrong address", close_order(sign_close_complete, wrong_target=True),
         STRANGER, TON, (1006, 1015, 1006)),
    Case("complete, signed as close", confused_close, STRANGER, TON, (1005, 1005, 1005)),
    Case("commit", commit(1), STRANGER, 20_000_000, (0, 0, 0)),
    Case("commit, largest", commit(2**64 - 1), STRANGER, 20_000_000, (0, 0, 0)),
    Case("commit, old", commit(0), STRANGER, TON, (1000, 1000, 1000)),
    Case("commit, low value", commit(1), STRANGER, 19_999_999, (1003, 1003, 1003)),
    Case("commit, wrong key", commit(1, key=SecretKey(SECRET)), STRANGER, TON, (1007,) * 3),
    Case("commit, wrong address", commit(1, wrong_target=True), STRANGER, TON, (1015,) * 3),
    Case("commit, signed as charge", token_order_as_commit, STRANGER, TON, (9, 9, 9)),
    Case("c", fixed(P.text_command(b"c")), OPERATOR, TENTH, (0, 0, 1006)),
    Case("c, stranger", fixed(P.text_command(b"c")), STRANGER, TON, (1010, 1010, 1010)),
    Case("c, low value", fixed(P.text_command(b"c")), OPERATOR, TENTH - 1, (1003,) * 3),
    Case("w", fixed(P.text_command(b"w")), OPERATOR, TENTH, (0, 0, 0)),
    Case("w, stranger", fixed(P.text_command(b"w")), STRANGER, TON, (1010, 1010, 1010)),
    Case("w, low value", fixed(P.text_command(b"w")), OPERATOR, TENTH - 1, (1003,) * 3),
    Case("unknown letter", fixed(Builder().uint(0, 32).uint(0x78, 8).cell()), OPERATOR, TON,
         (1013, 1013, 1013)),
    Case("no letter", fixed(Builder().uint(0, 32).cell()), OPERATOR, TON, (1013, 1013, 1013)),
    Case("two letters", fixed(Builder().uint(0, 32).uint(0x6363, 16).cell()), OPERATOR, TON,
         (1013, 1013, 1013)),
    Case("note of nobody", fixed(client_request(None)), STRANGER, TENTH, (0, 0, 0)),
    Case("forged top-up", fixed(client_request(TOP_UP)), STRANGER, 2 * TON, (1014,) * 3),
    Case("forged register", fixed(client_request(REGISTER)), STRANGER, TON, (1014,) * 3),
    Case("forged refund", fixed(client_request(REFUND)), CLIENT_OWNER, TON, (1014,) * 3),
    Case("forged forced refund", fixed(client_request(FORCE)), CLIENT_OWNER, TON, (1014,) * 3),
    Case("forged charge", fixed(CHARGED), OPERATOR, TON, (1014, 1014, 1014)),
    Case("worker's note of nobody", fixed(worker_request(None)), STRANGER, TENTH, (0, 0, 0)),
    Case("forged payout", fixed(worker_request(WORK)), WORKER_OWNER, TON, (1014,) * 3),
    Case("unknown", fixed(Builder().uint(0x12345678, 32).uint(1, 64).cell()), OPERATOR, TON,
         (1012, 1012, 1012)),
    Case("short", fixed(Builder().uint(1, 31).cell()), OPERATOR, TON, (9, 9, 9)),
    Case("empty", fixed(Builder().cell()), STRANGER, TON, (0, 0, 0)),
]  # fmt: skip


@pytest.mark.parametrize("phase", [0, 1, 2])
@pytest.mark.parametrize("case", PROXY_CASES, ids=lambda case: case.name)
def test_proxy(stage, lab, case: Case, phase: int) -> None:
    stage.reach(f"proxy {phase}", lambda: proxy_phase(lab, stage, phase))
    run_case(lab, stage, lab.proxy.address, case, case.codes[phase])


CHILD_CASES = [
    # Name, body as the client's contract could send it, exit codes in states 0, 1, 2.
    ("top-up", client_request(TOP_UP), (0, 1006, 1006)),
    ("register", client_request(REGISTER), (0, 0, 0)),
    ("refund", client_request(REFUND), (0, 0, 0)),
    ("forced refund", client_request(FORCE), (0, 0, 0)),
    ("refund over the pool",
     client_request(paying(opcodes.CLIENT_PROXY_REFUND_GRANTED, 50 * TON + 1)), (1001,) * 3),
    ("refund of all that clients have",
     client_request(paying(opcodes.CLIENT_PROXY_REFUND_FORCE, 50 * TON - 20 * MILLION)), (0,) * 3),
    ("refund over what clients have",
     client_request(paying(opcodes.CLIENT_PROXY_REFUND_FORCE, 50 * TON - 20 * MILLION + 1)),
     (1001,) * 3),
    ("unknown payload", client_request(Builder().uint(0x12345678, 32).cell()), (1012,) * 3),
    ("payload too long",
     client_request(Builder().content(REGISTER).uint(0, 1).cell()), (9, 9, 9)),
    ("payload with a reference",
     client_request(Builder().content(TOP_UP).ref(Builder().cell()).cell()), (9, 9, 9)),
    ("payload too short", client_request(Builder().uint(0xA35CB580, 32).uint(7, 63).cell()),
     (9, 9, 9)),
    ("another owner's", client_request(REFUND, SUBMITTER), (1014,) * 3),
]  # fmt: skip


@pytest.mark.parametrize("phase", [0, 1, 2])
@pytest.mark.parametrize(("name", "body", "codes"), CHILD_CASES, ids=[c[0] for c in CHILD_CASES])
def test_proxy_of_its_children(stage, lab, name: str, body: Cell, codes, phase: int) -> None:
    """Messages that the client's contract would send, and such as it never would."""
    stage.reach(f"proxy {phase}", lambda: proxy_phase(lab, stage, phase))
    before, ledger = lab.chain.account(lab.proxy.address).data, lab.ledger()
    outcome = lab.send(stage.client.address, lab.proxy.address, 2 * TON, body)
    assert outcome.exit_code == codes[phase]
    if codes[phase]:
        assert lab.chain.account(lab.proxy.address).data == before
        assert lab.ledger() == ledger
    lab.restore(stage.start)  # the child did not send it, so the books differ on purpose


@pytest.mark.parametrize(
    ("worker_part", "proxy_part", "code"),
    [
        (0, 0, 0),
        (19 * MILLION, MILLION - 20 * USED, 0),
        (19 * MILLION, MILLION - 20 * USED + 1, 1001),
        (2**64 - 1, 2**64 - 1, 1001),
    ],
)
def test_a_worker_gets_at_most_what_was_charged(stage, lab, worker_part, proxy_part, code) -> None:
    proxy_phase(lab, stage, 0)
    payload = (
        Builder().uint(opcodes.WORKER_PROXY_PAYOUT_REQUEST, 32).coins(worker_part)
        .coins(proxy_part).address(SUBMITTER).cell()
    )  # fmt: skip
    outcome = lab.send(stage.worker.address, lab.proxy.address, TON, worker_request(payload))
    assert outcome.exit_code == code
    if not code:
        assert lab.ledger().earned == 20 * MILLION - 20 * USED - worker_part - proxy_part
    lab.check()


def test_struct_version() -> None:
    """Params of another layout than 3 are refused by every operation that reads them."""
    with memory_chain() as chain:
        lab = MoneyLab(chain, struct_version=2)
        lab.deploy_proxy(stake=0)
        contract, worker = lab.client(), lab.worker()
        assert lab.charge(contract, 5).exit_code == 1008
        assert lab.payout(worker, 5).exit_code == 1008
        body = client_request(TOP_UP)
        outcome = lab.send(contract.address, lab.proxy.address, 2 * TON, body)
        assert outcome.exit_code == 1008


def test_fee_over_price() -> None:
    """The root refuses such params; should they exist, nothing is paid and nothing is lost."""
    with memory_chain() as chain:
        lab = MoneyLab(chain, worker_fee_per_token=21)
        lab.deploy_proxy()
        worker = lab.worker()
        assert lab.payout(worker, 5).exit_code == 5
        assert lab.worker_state(worker).tokens == 0


def test_free_tokens() -> None:
    """Price zero: counters move, no money does, and a bounce divides by nothing."""
    with memory_chain() as chain:
        lab = MoneyLab(chain, price_per_token=0, worker_fee_per_token=0)
        worker = lab.worker()
        assert lab.payout(worker, 5).ok  # comes back: there is no proxy contract yet
        assert lab.worker_state(worker).tokens == 5
        lab.deploy_proxy()
        assert lab.payout(worker, 6).ok
        contract = lab.client()
        assert lab.charge(contract, 7).ok
        lab.check()


def test_a_new_contract_needs_its_reserve_from_the_message() -> None:
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        # Just enough to come into being: nothing of it is left for the reserve of 0.11 TON.
        contract, worker = lab.client(value=2_000_000), lab.worker(value=2_000_000)
        body = client_messages.top_up(1, TON, SUBMITTER)
        assert lab.send(STRANGER, contract.address, TON + 208_000_000, body).exit_code == 1001
        assert lab.send(STRANGER, contract.address, TON + 211_000_000, body).ok
        assert lab.client_state(contract).balance == TON
        lab.charge(contract, 5)
        payment = lab.payment(PAYOUT, worker, 5).body()
        assert lab.send(STRANGER, worker.address, 208_000_000, payment).exit_code == 1001
        assert lab.send(STRANGER, worker.address, 211_000_000, payment).ok
        assert lab.worker_state(worker).tokens == 5
        lab.check()
