"""What somebody who wants other people's money would try."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cocoon.chain import opcodes
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.contracts import client_messages, proxy_messages, worker_messages
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.params import CHILD_MASK
from cocoon.chain.contracts.payment import inner_cell, signed_envelope
from cocoon.chain.contracts.proxy_envelopes import sign_close_request, sign_commit
from cocoon.chain.contracts.state_init import contract_address, state_init
from cocoon.chain.contracts.wallet import owner_send_message, wallet_data
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import deploy
from cocoon.testing.money_lab import (
    CLIENT_OWNER,
    OPERATOR,
    OTHER_CLIENT_OWNER,
    STRANGER,
    SUBMITTER,
    WORKER_OWNER,
    Contract,
    MoneyLab,
)

MILLION = 1_000_000
ORDINARY = 700_000_000
YEAR = 365 * 86_400
CHARGE, GRANT = opcodes.EXT_CLIENT_CHARGE_SIGNED, opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED
PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
LAST = opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED


def charged(amount: int) -> Cell:
    out = Builder().uint(opcodes.CLIENT_PROXY_CHARGED, 32).uint(1, 64).coins(amount)
    return out.address(CLIENT_OWNER).address(SUBMITTER).cell()


def credited(amount: int) -> Cell:
    out = Builder().uint(opcodes.PROXY_CLIENT_CREDITED, 32).uint(1, 64).coins(amount)
    return out.address(CLIENT_OWNER).address(SUBMITTER).cell()


@pytest.mark.parametrize("flags", [0b0101, 0b0111])
def test_a_bounce_cannot_be_forged(stage, lab, flags: int) -> None:
    """The network clears the flag: the contract sees an ordinary message of an unknown kind."""
    data = wallet_data(STRANGER, bytes(32))
    wallet = deploy(lab.chain, "wallet", data, 5 * TON)
    info = Builder().coins(0).uint(0, 1 + 64 + 32).cell()
    for target, body in ((lab.proxy, credited(TON)), (stage.client, charged(TON))):
        answer = Builder().uint(opcodes.RICH_BOUNCE, 32).ref(body).ref(info).uint(1, 41).cell()
        message = (
            Builder().uint(flags, 4).uint(0, 2).address(target.address).coins(TON)
            .uint(0, 1 + 4 + 4 + 64 + 32 + 1).uint(1, 1).ref(answer).cell()
        )  # fmt: skip
        before = lab.chain.account(target.address).data
        block = lab.chain.faucet(
            wallet, 2 * TON, body=owner_send_message(1, 1, message), source=STRANGER
        )
        assert block[1].address == target.address
        assert not block[1].parsed.in_message.bounced
        assert block[1].exit_code == 1012
        assert lab.chain.account(target.address).data == before
    lab.restore(stage.start)


def test_a_look_alike_child_is_nobody(stage, lab) -> None:
    """Same code and owner, but the stake, the key or the proxy in its data is another."""
    params, proxy, key = lab.params, lab.proxy.address, lab.key.public_key
    forged = [
        client_data(replace(params, min_client_stake=0), CLIENT_OWNER, proxy, key),
        client_data(replace(params, price_per_token=0), CLIENT_OWNER, proxy, key),
        client_data(params, CLIENT_OWNER, proxy, bytes(32)),
        client_data(params, CLIENT_OWNER, STRANGER, key),
    ]
    for data in forged:
        sender = contract_address(load_code("client"), data)
        assert lab.send(sender, lab.proxy.address, TON, charged(1)).exit_code == 1014
    assert (
        lab.send(stage.other_client.address, lab.proxy.address, TON, charged(1)).exit_code == 1014
    )


def test_an_overdraft_takes_nothing_from_others(stage, lab) -> None:
    """The machine key signs as much as it likes: a client loses what it prepaid, others nothing."""
    for tokens in (2 * 10**9, 2**62, 2**63 - 1):
        lab.charge(stage.client, tokens)
        assert lab.client_state(stage.client).balance == 0
        assert lab.ledger().earned == 20 * TON
        lab.check()
    assert lab.client_state(stage.client).ledger.debt == 2**64 - 1  # as much as an amount can be
    body = client_messages.request_refund(lab.query(), OTHER_CLIENT_OWNER)
    lab.send(OTHER_CLIENT_OWNER, stage.other_client.address, ORDINARY, body)
    lab.advance(43_201)
    lab.send(OTHER_CLIENT_OWNER, stage.other_client.address, ORDINARY, body)
    assert lab.client_state(stage.other_client).phase is ContractPhase.CLOSED
    assert lab.ledger().client_funds == 0


def test_signed_payouts_reach_only_what_was_charged(stage, lab) -> None:
    lab.charge(stage.client, 10 * MILLION)
    for tokens in (10 * MILLION + 1, 10**12, 2**62):
        lab.payout(stage.worker, tokens)
        assert lab.ledger().earned == 200 * MILLION
        assert lab.worker_state(stage.worker).tokens == 0
        lab.check()
    everything = proxy_messages.payout_request(lab.query(), SUBMITTER)
    lab.send(SUBMITTER, lab.proxy.address, ORDINARY, everything)
    assert lab.balance(lab.proxy.address) > 50 * TON + TON


def test_the_operator_gets_nothing_that_is_not_commission_or_stake(stage, lab) -> None:
    lab.charge(stage.client, 10 * MILLION)
    held = lab.balance(lab.proxy.address)
    for body in (proxy_messages.text_command(b"w"), proxy_messages.payout_request(1, OPERATOR)):
        lab.send(OPERATOR, lab.proxy.address, TON, body)
        assert held - lab.balance(lab.proxy.address) < 100
    for _ in range(2):
        lab.send(OPERATOR, lab.proxy.address, TON, proxy_messages.close(1, OPERATOR))
        lab.advance(86_400)
    assert lab.books().phase is ContractPhase.CLOSED
    held = lab.balance(lab.proxy.address)
    for body in (
        proxy_messages.text_command(b"w"),
        proxy_messages.text_command(b"c"),
        proxy_messages.payout_request(1, OPERATOR),
        proxy_messages.close(1, OPERATOR),
    ):
        lab.send(OPERATOR, lab.proxy.address, TON, body)
        # Rent aside, which the pool's own surplus pays.
        assert held - lab.balance(lab.proxy.address) < 1_000_000
    lab.check()


def test_replays(stage, lab) -> None:
    charge = lab.payment(CHARGE, stage.client, MILLION).body()
    payout = lab.payment(PAYOUT, stage.worker, MILLION).body()
    for _ in range(3):
        lab.send(STRANGER, stage.client.address, ORDINARY, charge)
        lab.send(STRANGER, stage.worker.address, ORDINARY, payout)
    assert lab.ledger().charged_total == lab.ledger().paid_total == 20 * MILLION
    grant = lab.payment(GRANT, stage.client, MILLION).body()
    for _ in range(3):
        lab.send(STRANGER, stage.client.address, ORDINARY, grant)
    assert lab.client_state(stage.client).phase is ContractPhase.CLOSED
    # Nor does it close a client that has opened again (see test_money_lives.py).
    body = client_messages.reopen(lab.query(), TON, CLIENT_OWNER)
    lab.send(CLIENT_OWNER, stage.client.address, TON + ORDINARY, body)
    assert lab.client_state(stage.client).balance == TON
    assert lab.send(STRANGER, stage.client.address, ORDINARY, grant).exit_code == 1000
    assert lab.client_state(stage.client).balance == TON


def address_in(workchain: int) -> Cell:
    return Builder().uint(0b100, 3).uint(workchain, 8).hash256(SUBMITTER.account).cell()


def test_excesses_to_nowhere_leave_the_deposit_valid(stage, lab) -> None:
    body = Builder().uint(opcodes.EXT_CLIENT_TOP_UP, 32).uint(1, 64).coins(TON)
    lab.send(STRANGER, stage.client.address, TON + ORDINARY, body.content(address_in(5)).cell())
    assert lab.client_state(stage.client).balance == 21 * TON
    lab.check()


def test_an_owner_whom_nobody_can_pay_loses_nothing_of_others() -> None:
    """A client's owner in a workchain that does not exist: paying it fails in the action phase of
    the proxy contract, which sends the refund back, as if nothing had happened."""
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy()
        nowhere = address_in(5)
        const = (
            Builder().content(nowhere).address(lab.proxy.address).hash256(lab.key.public_key)
        )  # fmt: skip
        data = (
            Builder().uint(0, 6).coins(lab.params.min_client_stake).uint(0, 64 + 32)
            .uint(0, 256).ref(const.cell()).ref(lab.params.cell(CHILD_MASK)).cell()
        )  # fmt: skip
        init = state_init(load_code("client"), data)
        contract = Contract(contract_address(load_code("client"), data), init, STRANGER)
        lab.deploy(contract, 2_000_000)  # no coins of its own, which it could not pay out either
        body = client_messages.top_up(1, 3 * TON, SUBMITTER)
        lab.send(STRANGER, contract.address, 4 * TON, body)
        assert lab.ledger().client_funds == 3 * TON
        held = lab.balance(lab.proxy.address)
        inner = inner_cell(GRANT, 1, 0, contract.address)
        envelope = signed_envelope(inner, lab.key.sign(inner.hash), SUBMITTER)
        outcome = lab.send(STRANGER, contract.address, TON, envelope)
        assert outcome.first.action_code == 36  # the leftover has nowhere to go
        assert outcome.first.bounced
        assert lab.ledger().client_funds == 3 * TON
        refund = Builder().uint(opcodes.CLIENT_PROXY_REFUND_GRANTED, 32).coins(TON)
        request = (
            Builder().uint(opcodes.CLIENT_PROXY_REQUEST, 32).uint(1, 64).content(nowhere)
            .ref(Builder().cell()).maybe_ref(refund.address(SUBMITTER).cell()).cell()
        )  # fmt: skip
        outcome = lab.send(contract.address, lab.proxy.address, TON, request)
        assert (outcome.exit_code, outcome.first.action_code) == (0, 36)
        assert outcome.first.bounced
        assert lab.ledger().client_funds == 3 * TON
        assert lab.balance(lab.proxy.address) == held


def test_rent_is_never_taken_from_claims_for_good() -> None:
    """Years without a message: what rent took of the pool comes out of the next message."""
    with memory_chain() as chain:
        lab = MoneyLab(chain)
        lab.deploy_proxy(stake=0, value=20_000_000)
        client = lab.client(value=3 * TON)
        stake = proxy_messages.increase_stake(lab.query(), TON, OPERATOR)
        lab.send(OPERATOR, lab.proxy.address, 2 * TON, stake)
        body = client_messages.top_up(lab.query(), 5 * TON, SUBMITTER)
        lab.send(STRANGER, client.address, 6 * TON, body)
        lab.check()
        lab.advance(10 * YEAR)
        lab.send(STRANGER, lab.proxy.address, 1_000_000)  # rent is collected
        owed = 5 * TON + TON
        assert lab.balance(lab.proxy.address) < owed
        withdraw = client_messages.request_refund(lab.query(), CLIENT_OWNER)
        lab.send(CLIENT_OWNER, client.address, ORDINARY, withdraw)
        lab.advance(43_201)
        # Too little for the missing rent: refused, and owed again.
        outcome = lab.send(CLIENT_OWNER, client.address, TON // 2, withdraw)
        assert any(t.compute and t.compute.exit_code == 1003 for t in outcome.transactions)
        assert lab.client_state(client).balance == 5 * TON
        assert lab.client_state(client).phase is ContractPhase.CLOSING
        lab.send(STRANGER, lab.proxy.address, TON)  # anybody may help
        lab.check()
        lab.send(CLIENT_OWNER, client.address, TON // 2, withdraw)
        assert lab.client_state(client).phase is ContractPhase.CLOSED
        assert lab.ledger().client_funds == 0
        lab.check()


BODIES = {
    "top-up": ("client", client_messages.top_up(1, 5, SUBMITTER)),
    "register": ("client", client_messages.register(1, 5, SUBMITTER)),
    "secret": ("client", client_messages.change_secret_hash(1, bytes(32), SUBMITTER)),
    "secret and top-up": (
        "client", client_messages.change_secret_hash_and_top_up(1, 5, bytes(32), SUBMITTER),
    ),
    "stake": ("client", client_messages.increase_stake(1, 20 * TON, SUBMITTER)),
    "withdraw": ("client", client_messages.withdraw(1, SUBMITTER)),
    "refund": ("client", client_messages.request_refund(1, SUBMITTER)),
    "settle": ("client", client_messages.settle(1, SUBMITTER)),
    "worker's register": ("worker", worker_messages.register(1, SUBMITTER)),
    "proxy's stake": ("proxy", proxy_messages.increase_stake(1, 5, SUBMITTER)),
    "commission": ("proxy", proxy_messages.payout_request(1, SUBMITTER)),
    "close": ("proxy", proxy_messages.close(1, SUBMITTER)),
    "letter": ("proxy", proxy_messages.text_command(b"c")),
}  # fmt: skip
"""Every operation without signature; the owner of the contract sends it."""
SIGNED = ("charge", "grant", "payout", "last", "limited", "close", "commit")


def contract_of(stage, kind: str) -> Contract:
    return {"client": stage.client, "worker": stage.worker, "proxy": stage.lab.proxy}[kind]


def damaged(body: Cell) -> list[Cell]:
    """One bit or reference too many, one bit too few."""
    shorter = Cell(body.data >> 1, body.bits - 1, body.refs)
    return [
        Builder().content(body).uint(0, 1).cell(),
        Builder().content(body).ref(Builder().cell()).cell(),
        shorter,
        Cell(shorter.data >> 7, shorter.bits - 7, body.refs),
    ]


def assert_refused(stage, contract: Contract, body: Cell) -> None:
    lab = stage.lab
    before = lab.chain.account(contract.address).data
    outcome = lab.send(contract.owner, contract.address, TON, body)
    assert outcome.exit_code not in {0, -1}
    assert lab.chain.account(contract.address).data == before


@pytest.mark.parametrize("name", BODIES)
def test_bodies_are_read_to_the_end(stage, name: str) -> None:
    kind, body = BODIES[name]
    for wrong in damaged(body):
        assert_refused(stage, contract_of(stage, kind), wrong)


def signed_body(stage, name: str) -> tuple[Contract, Cell]:
    lab = stage.lab
    match name:
        case "charge" | "grant":
            operation = CHARGE if name == "charge" else GRANT
            return stage.client, lab.payment(operation, stage.client, 5).body()
        case "payout" | "last":
            operation = PAYOUT if name == "payout" else LAST
            return stage.worker, lab.payment(operation, stage.worker, 5).body()
        case "limited":
            payment = lab.payment(PAYOUT, stage.worker, 5)
            return stage.worker, worker_messages.limited_payout(payment, 1, SUBMITTER)
        case "close":
            order = sign_close_request(lab.key, 1, lab.proxy.address, SUBMITTER)
            return lab.proxy, order.cell()
        case _:
            commit = sign_commit(
                lab.key, 1, seqno=5, state_root=bytes(32), proxy=lab.proxy.address,
                excesses=SUBMITTER,
            )  # fmt: skip
            return lab.proxy, commit.cell()


@pytest.mark.parametrize("name", SIGNED)
def test_envelopes_are_read_to_the_end(stage, name: str) -> None:
    contract, body = signed_body(stage, name)
    for wrong in damaged(body):
        assert_refused(stage, contract, wrong)


@pytest.mark.parametrize("name", SIGNED)
def test_signed_orders_are_read_to_the_end(stage, name: str) -> None:
    """Even the machine key cannot sign an order of another form."""
    contract, body = signed_body(stage, name)
    for inner in damaged(body.refs[0]):
        read = Reader(body)
        head = Builder().uint(read.uint(32), 32).uint(read.uint(64), 64).address(read.address())
        head.raw(stage.lab.key.sign(inner.hash))
        rest = body.bits - 32 - 64 - 267 - 512
        head.uint(body.data & (1 << rest) - 1, rest).ref(inner)
        assert_refused(stage, contract, head.cell())


@pytest.mark.parametrize("name", SIGNED)
def test_every_bit_of_a_signed_order_counts(stage, name: str) -> None:
    contract, body = signed_body(stage, name)
    inner = body.refs[0]
    for bit in range(0, inner.bits, 41):
        forged = Cell(inner.data ^ (1 << bit), inner.bits)
        outcome = stage.lab.send(STRANGER, contract.address, TON, replace_ref(body, forged))
        assert outcome.exit_code == 1007


def replace_ref(body: Cell, ref: Cell) -> Cell:
    return Cell(body.data, body.bits, (ref,))


OPERATIONS = sorted(
    value for name, value in vars(opcodes).items()
    if name.isupper() and isinstance(value, int) and value != opcodes.DO_NOT_PROCESS
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    operation=st.one_of(st.sampled_from(OPERATIONS), st.integers(0, 2**32 - 1)),
    bits=st.integers(0, 900),
    seed=st.integers(0, 2**900 - 1),
    refs=st.integers(0, 3),
    target=st.sampled_from(["client", "worker", "proxy"]),
    sender=st.sampled_from([CLIENT_OWNER, WORKER_OWNER, OPERATOR, STRANGER]),
    value=st.sampled_from([TON // 10, TON, 100 * TON]),
)
def test_nonsense(stage, operation, bits, seed, refs, target, sender, value) -> None:
    """Random bodies change no books: the operations that need nothing but form carry little."""
    out = Builder().uint(operation, 32).uint(seed & ((1 << bits) - 1), bits)
    for number in range(refs):
        out.ref(Builder().uint(number, 8).cell())
    ledger = stage.lab.ledger()
    outcome = stage.lab.send(sender, contract_of(stage, target).address, value, out.cell())
    assert outcome.exit_code in {
        -14, 0, 5, 8, 9, 1000, 1001, 1003, 1005, 1006, 1007, 1009, 1010, 1011, 1012, 1013, 1014,
    }  # fmt: skip
    assert stage.lab.ledger().earned == ledger.earned
    assert stage.lab.ledger().client_funds >= ledger.client_funds
    stage.lab.check()
