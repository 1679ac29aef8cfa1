"""Gas of every operation of root, governor and cocoon wallet, in one fixed scenario."""

from dataclasses import replace

from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Builder
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor_state import LIFETIME, MAX_OPEN_PER_OWNER
from cocoon.chain.contracts.tariff import Multipliers, Tariff, TariffStep
from cocoon.chain.contracts.wallet import owner_send_message, owner_text_command, wallet_data
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage, external_in
from cocoon.chain.rent import YEAR
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_config, root_data
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import (
    Outcome,
    call,
    data,
    deploy,
    people,
    person,
    sample_params,
)
from cocoon.testing.governance import DELAY, GovernedRoot

OWNER, DEST = person(0x11), person(0x55)
HASH = bytes(range(32))
TWO_ENDPOINTS = "10.0.0.1:11001 10.0.0.1:11002"


def governance_gas() -> dict[str, dict[str, int]]:
    """Gas units by contract and operation."""
    return {"governor": _governor(), "root": _root(), "wallet": _wallet()}


def governance_rent() -> dict[str, int]:
    """A year's rent of a root with our codes in its parameters, and of its governor; nanoTON."""
    codes = {f"{name}_code": load_code(name) for name in ("proxy", "worker", "client")}
    with memory_chain() as chain:
        owners = people(range(1, 6))
        rig = GovernedRoot(chain, owners=owners, threshold=3, params=sample_params(**codes))
        places = {"root": rig.root, "governor": rig.governor}
        for address in places.values():
            chain.faucet(address, 1)
        before = {name: chain.account(address).balance for name, address in places.items()}
        chain.advance(YEAR)
        for address in places.values():
            chain.faucet(address, 1)
        return {
            name: before[name] + 1 - chain.account(address).balance
            for name, address in places.items()
        }


def _root() -> dict[str, int]:
    with memory_chain() as chain:
        config = RootConfig(person(0), 1, sample_params(), owner=OWNER)
        address = deploy(chain, "root", root_data(config), TON // 2)
        found: dict[str, int] = {}

        def run(name: str, outcome: Outcome) -> None:
            assert outcome.ok, name
            found[name] = outcome.gas

        for number in range(10):  # lists as long as those of a network
            for add in (root.add_worker_type, root.add_proxy_type, root.add_model_type):
                call(chain, address, OWNER, add(1, bytes([number + 1]) * 32))
            call(chain, address, OWNER, root.register_proxy(1, TWO_ENDPOINTS))
        code = load_code("root")
        for name, body in (
            ("deposit", EMPTY_CELL),
            ("root_add_worker_type", root.add_worker_type(1, HASH)),
            ("root_del_worker_type", root.del_worker_type(1, HASH)),
            ("root_add_model_type", root.add_model_type(1, HASH)),
            ("root_del_model_type", root.del_model_type(1, HASH)),
            ("root_add_proxy_type", root.add_proxy_type(1, HASH)),
            ("root_del_proxy_type", root.del_proxy_type(1, HASH)),
            ("root_register_proxy", root.register_proxy(1, TWO_ENDPOINTS)),
            ("root_register_proxy, 114 bytes", root.register_proxy(1, "a" * 112 + ":1")),
            ("root_update_proxy", root.update_proxy(1, 3, TWO_ENDPOINTS)),
            ("root_unregister_proxy", root.unregister_proxy(1, 3)),
            ("root_change_price", root.change_price(1, 30, 10)),
            (
                "root_change_params",
                root.change_params(
                    1,
                    price_per_token=30,
                    worker_fee_per_token=10,
                    proxy_delay=86400,
                    client_delay=43200,
                    min_proxy_stake=TON,
                    min_client_stake=TON,
                ),
            ),
            ("root_upgrade_contracts", root.upgrade_contracts(1, code, code, code)),
            ("root_upgrade", root.upgrade(1, code)),
        ):
            run(name, call(chain, address, OWNER, body))
        now = root_config(address, data(chain, address))
        same_lists = root_data(replace(now, version=now.version + 1))
        body = root.upgrade_full(1, same_lists, code)
        run("root_upgrade_full, same lists", call(chain, address, OWNER, body))
        fewer = replace(now, version=now.version + 2, model_hashes=frozenset())
        fewer = replace(fewer, worker_hashes=frozenset(sorted(now.worker_hashes)[1:]))
        body = root.upgrade_full(1, root_data(fewer), code)
        run("root_upgrade_full, other lists", call(chain, address, OWNER, body))
        run("root_reset", call(chain, address, OWNER, root.reset(1)))
        run("root_change_owner", call(chain, address, OWNER, root.change_owner(1, DEST)))
        return found


def _governor() -> dict[str, int]:
    with memory_chain() as chain:
        owners = people(range(1, 6))
        tariff = Tariff(TariffStep(1, 0, Multipliers(10, 10, 10, 10)))
        rig = GovernedRoot(chain, owners=owners, threshold=3, tariff=tariff)
        found: dict[str, int] = {}

        def run(name: str, outcome: Outcome) -> None:
            assert outcome.ok, name
            found[name] = outcome.gas

        run("deposit", rig.send(EMPTY_CELL, DEST))
        run("governor_propose, call of the root", rig.propose(owners[0], root.reset(0)))
        run("governor_approve", rig.approve(owners[1], 0))
        run("governor_approve, last needed", rig.approve(owners[2], 0))
        run("governor_withdraw_approval", rig.withdraw(owners[2], 0))
        rig.approve(owners[2], 0)
        rules = gov.set_rules(owners, threshold=2, revoke_threshold=1, delay=DELAY)
        run("governor_propose, rules of five", rig.propose_action(owners[0], rules))
        weights = gov.set_tariff(0, Multipliers(9, 9, 9, 9))
        run("governor_propose, tariff", rig.propose_action(owners[0], weights))
        rig.approve(owners[1], 2)
        rig.approve(owners[2], 2)
        run("governor_execute, tariff", rig.execute(2))
        chain.advance(DELAY)
        executed = rig.execute(0)
        run("governor_execute, call of the root", executed)
        answer = executed.transactions[2].compute
        assert answer is not None
        found["excesses of the root"] = answer.gas_used
        rig.approve(owners[1], 1)
        rig.approve(owners[2], 1)
        chain.advance(DELAY)
        run("governor_execute, rules of five", rig.execute(1))
        number = rig.state.next_id
        rig.propose(owners[0], root.unregister_proxy(0, 1))
        rig.propose(owners[0], root.change_price(0, 1, 2))
        rig.approve(owners[1], number + 1)
        run("governor_execute, revocation", rig.execute(number))
        chain.advance(DELAY)
        bounced = rig.execute(number + 1).transactions[2].compute
        assert bounced is not None
        found["bounce of the root"] = bounced.gas_used
        for owner in owners[1:]:
            for _ in range(MAX_OPEN_PER_OWNER):
                rig.propose(owner, root.reset(0))
        run("governor_propose, 16 in the queue", rig.propose(owners[0], root.reset(0)))
        chain.advance(LIFETIME)
        run("governor_execute, expired", rig.execute(rig.state.next_id - 1))
        run("governor_propose, drops 16", rig.propose(owners[0], root.reset(0)))
        return found


def _wallet() -> dict[str, int]:
    key = SecretKey(bytes([7]) * 32)
    with memory_chain() as chain:
        address = deploy(chain, "wallet", wallet_data(OWNER, key.public_key), 100 * TON)
        found = {
            "deposit": call(chain, address, DEST, EMPTY_CELL).gas,
            "deposit with a comment": call(chain, address, DEST, owner_text_command(b"hi")).gas,
        }
        note = OutMessage(DEST, TON // 10, bounce=False, mode=1)
        for count in (1, 4):
            outcome = _order(chain, address, key, [note] * count, len(found) - 2)
            found[f"external, {count} message{'s' if count > 1 else ''}"] = outcome.gas
        body = owner_send_message(1, 1, note.cell())
        for name, sent in (
            ("owner_wallet_send_message", body),
            ("text b", owner_text_command(b"b")),
            ("text u", owner_text_command(b"u")),
            ("text w", owner_text_command(b"w")),
        ):
            outcome = call(chain, address, OWNER, sent)
            assert outcome.ok, name
            found[name] = outcome.gas
        return found


def _order(
    chain: EmbeddedChain, address: Address, key: SecretKey, notes: list[OutMessage], seqno: int
) -> Outcome:
    out = Builder().uint(0, 32).uint(chain.now + 60, 32).uint(seqno, 32)
    for note in notes:
        out.uint(note.mode, 8).ref(note.cell())
    signed = out.cell()
    body = Builder().raw(key.sign(signed.hash)).content(signed).cell()
    block = chain.send(external_in(address, body))
    return Outcome(tuple(transaction.parsed for transaction in block))
