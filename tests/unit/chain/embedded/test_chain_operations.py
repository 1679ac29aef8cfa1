"""What explorers show of messages: Cocoon's by name and field, anything else without harm."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.chain import Address, Builder, Cell, opcodes
from cocoon.chain.contracts import client_messages, governor, proxy_messages, worker_messages
from cocoon.chain.contracts.payment import CLIENT_CHARGE, WORKER_PAYOUT, sign_payment
from cocoon.chain.contracts.replies import Payout, ProxyClientCredited
from cocoon.chain.embedded.http.bodies import FIELDS
from cocoon.chain.embedded.http.operations import NAMES, comment, decoded
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import Message, MessageKind

OWNER = Address(bytes([0x55]) * 32)
OTHER = Address(bytes([0x66]) * 32)
KEY = SecretKey(bytes(range(32)))
CHARGE = sign_payment(KEY, CLIENT_CHARGE, query_id=7, tokens=1000, address=OTHER, excesses=OWNER)
PAYOUT = sign_payment(KEY, WORKER_PAYOUT, query_id=7, tokens=1000, address=OTHER, excesses=OWNER)


def message(body: Cell) -> Message:
    return Message(MessageKind.INTERNAL, OWNER, OTHER, body=body)


@pytest.mark.parametrize(
    ("body", "name", "fields"),
    [
        (
            client_messages.top_up(7, 5, OWNER),
            "ext_client_top_up",
            {"query_id": 7, "amount": 5, "excesses": OWNER.raw()},
        ),
        (client_messages.register(7, 9, OWNER), "owner_client_register", {"nonce": 9}),
        (
            client_messages.change_secret_hash_and_top_up(7, 5, bytes(32), OWNER),
            "owner_client_change_secret_hash_and_top_up",
            {"amount": 5, "secret_hash": "00" * 32},
        ),
        (client_messages.increase_stake(7, 5, OWNER), "owner_client_increase_stake", {}),
        (client_messages.withdraw(7, OWNER), "owner_client_withdraw", {"query_id": 7}),
        (client_messages.request_refund(7, OWNER), "owner_client_request_refund", {}),
        (client_messages.settle(7, OWNER), "ext_client_settle", {"excesses": OWNER.raw()}),
        (worker_messages.register(7, OWNER), "owner_worker_register", {"query_id": 7}),
        (CHARGE.body(), "ext_client_charge_signed", {"tokens": 1000, "contract": OTHER.raw()}),
        (
            worker_messages.limited_payout(PAYOUT, 30, OWNER),
            "ext_worker_payout_limited_signed",
            {"tokens": 1000, "limit": 30},
        ),
        (proxy_messages.increase_stake(7, 5, OWNER), "ext_proxy_increase_stake", {"amount": 5}),
        (Payout(7).cell(), "payout", {"query_id": 7}),
        (
            ProxyClientCredited(7, 5, OWNER, OTHER).cell(),
            "proxy_client_credited",
            {"amount": 5, "owner": OWNER.raw()},
        ),
        (governor.approve(7, 3, bytes(32), 2), "governor_approve", {"proposal": 3}),
        (governor.execute(7, 3), "governor_execute", {"proposal": 3}),
    ],
)
def test_cocoons_messages_are_read(body: Cell, name: str, fields: dict[str, Any]) -> None:
    found = decoded(message(body))
    assert found is not None
    assert found["operation"] == name
    assert found | fields == found
    json.dumps(found)


def test_a_bounce_says_what_came_back() -> None:
    original = client_messages.top_up(7, 5, OWNER)
    info = Builder().coins(5).uint(0, 1 + 64 + 32).cell()
    out = Builder().uint(opcodes.RICH_BOUNCE, 32).ref(original).ref(info)
    body = out.uint(1, 8).uint(1003, 32).uint(0, 1).cell()
    found = decoded(replace(message(body), bounced=True))
    assert found is not None
    assert found["bounced_operation"] == "ext_client_top_up"
    assert found["exit_code"] == 1003


def test_a_malformed_message_of_ours_has_its_name_only() -> None:
    for code in FIELDS:
        body = Builder().uint(code, 32).uint(1, 8).cell()
        assert decoded(message(body)) == {"operation": NAMES[code]}


words = st.sampled_from(sorted(NAMES)) | st.integers(0, 2**32 - 1)
tails = st.integers(0, 900).flatmap(
    lambda bits: st.integers(0, 2**bits - 1).map(lambda data: (data, bits))
)
bodies = st.recursive(
    tails.map(lambda tail: Cell(tail[0], tail[1])),
    lambda inner: st.tuples(words, tails, st.lists(inner, max_size=3)).map(
        lambda it: Cell(it[0] << it[1][1] | it[1][0], 32 + it[1][1], it[2])
    ),
    max_leaves=6,
)


@given(bodies, st.booleans())
def test_any_body_can_be_shown(body: Cell, bounced: bool) -> None:
    shown = {"decoded": decoded(replace(message(body), bounced=bounced)), "text": comment(body)}
    json.dumps(shown).encode()
