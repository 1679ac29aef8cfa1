"""Transfers and governance, as commands do them, on a real virtual machine."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from rich.console import Console

from cocoon.chain.address import Address
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.governor import action_of, propose
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.root import upgrade_full
from cocoon.chain.embedded import EmbeddedBackend, EmbeddedChain
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage
from cocoon.chain.rent import YEAR, rent_lasts
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_config, root_data
from cocoon.chain.root_history import read_history
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.cli.governance import report, session
from cocoon.cli.governance.actions import parse_wish
from cocoon.cli.money import wallets
from cocoon.cli.money.sending import send_one
from cocoon.errors import ConfigError, PaymentError, WalletFundsError
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.contracts import call, data, deploy, sample_params

pytestmark = pytest.mark.anyio

HASH = "cd" * 32
DELAY = 3600


@dataclass
class Rig:
    """A chain with three funded wallets and a root that the first one owns."""

    chain: EmbeddedChain
    people: list[WalletV5R1]
    root: Address
    shown: Console

    def backend(self) -> EmbeddedBackend:
        return EmbeddedBackend(self.chain)

    @property
    def told(self) -> str:
        assert isinstance(self.shown.file, io.StringIO)
        return self.shown.file.getvalue()


@pytest.fixture
def rig() -> Iterator[Rig]:
    with memory_chain() as chain:
        people = [WalletV5R1(SecretKey(bytes([n]) * 32), testnet=True) for n in (1, 2, 3)]
        for person in people:
            chain.faucet(person.address, 10 * TON)
        config = RootConfig(Address(bytes(32)), 1, sample_params(), owner=people[0].address)
        yield Rig(chain, people, deploy(chain, "root", root_data(config), TON // 2), Console(
            file=io.StringIO(), width=200,
        ))  # fmt: skip


async def test_a_transfer(rig: Rig) -> None:
    sender, receiver = rig.people[0], rig.people[1]
    transfer = wallets.Transfer(receiver.address, TON, wallets.comment("thank you"), bounce=True)
    outcome = await wallets.send(rig.backend(), sender, transfer, console=rig.shown, yes=True)
    assert (await rig.backend().account(receiver.address)).balance > 10 * TON
    assert outcome.document["balance"] < 9 * TON
    assert outcome.done[0]["fees"] > 0
    assert len(bytes.fromhex(outcome.done[0]["transaction"])) == 32
    assert "there is no contract at that address yet" in rig.told
    assert "done: sent 1.0 TON" in rig.told


async def test_an_empty_wallet_says_how_much_is_missing(rig: Rig) -> None:
    poor = WalletV5R1(SecretKey(bytes([9]) * 32), testnet=True)
    transfer = wallets.Transfer(rig.people[0].address, TON, wallets.comment(None), bounce=True)
    with pytest.raises(WalletFundsError, match="send"):
        await wallets.send(rig.backend(), poor, transfer, console=rig.shown, yes=True)


async def test_a_message_that_fails_says_where(rig: Rig) -> None:
    """A stranger changes the root: it bounces."""
    body = parse_wish("add-model-type", [HASH]).cell
    message = OutMessage(rig.root, TON // 5, body)
    with pytest.raises(PaymentError, match=r"not the owner|1010"):
        await send_one(rig.backend(), rig.people[1], "changed", message)


def test_comments_are_short() -> None:
    with pytest.raises(ConfigError, match="at most"):
        wallets.comment("x" * 200)
    with pytest.raises(ConfigError, match="--owner"):
        wallets.WalletKind("cocoon", testnet=True)


async def test_one_owner_changes_the_root_at_once(rig: Rig) -> None:
    wish = parse_wish("add-model-type", [HASH])
    async with session.opened(rig.backend(), rig.root) as network:
        assert report.root_rows(network, 0)[3] == ("who decides", report.ONE_OWNER)
        assert report.root_document(network)["one_owner"]
        with pytest.raises(ConfigError, match="the root's owner is another"):
            await session.propose(network, rig.people[1], wish, console=rig.shown, yes=True)
        with pytest.raises(ConfigError, match="one owner and no delay"):
            await session.approve(network, rig.people[0], 0, console=rig.shown, yes=True)
        own = parse_wish("set-tariff", ["0", "1", "1", "1", "1"])
        with pytest.raises(ConfigError, match="affair of governors"):
            await session.propose(network, rig.people[0], own, console=rig.shown, yes=True)
        outcome = await session.propose(network, rig.people[0], wish, console=rig.shown, yes=True)
        assert outcome.lines == ["The root has version 2."]
    assert "at once; nobody else is asked" in rig.told
    async with session.opened(rig.backend(), rig.root) as network:
        assert bytes.fromhex(HASH) in network.root.model_hashes


async def test_several_owners_decide_after_a_delay(rig: Rig) -> None:
    """Propose, approve, wait, execute: what `docs/howto/governance.md` shows."""
    owners = tuple(person.address for person in rig.people)
    rules = Rules(0, owners, threshold=2, revoke_threshold=1, delay=DELAY)
    async with session.opened(rig.backend(), rig.root) as network:
        with pytest.raises(ConfigError, match="one owner can hand it over"):
            await session.govern(network, rig.people[1], rules, console=rig.shown, yes=True)
        await session.govern(network, rig.people[0], rules, console=rig.shown, yes=True)
    wish = parse_wish("add-model-type", [HASH])
    async with session.opened(rig.backend(), rig.root) as network:
        assert report.root_rows(network, 0)[3][1].startswith("2 of 3 owners, then 3600 s")
        made = await session.propose(network, rig.people[0], wish, console=rig.shown, yes=True)
        assert made.document["proposal"] == 0
        assert made.lines[-1] == "It is proposal 0: 1 of 2 approvals."
    async with session.opened(rig.backend(), rig.root) as network:
        [waiting] = report.queue_document(network, 0)
        assert (waiting["operation"], waiting["approvals"], waiting["needed"]) == (
            "add_model_type", 1, 2,
        )  # fmt: skip
        with pytest.raises(PaymentError, match="no proposal 5"):
            await session.approve(network, rig.people[1], 5, console=rig.shown, yes=True)
        with pytest.raises(PaymentError, match="not yet: 1 of 2"):
            await session.execute(network, rig.people[1], 0, console=rig.shown, yes=True)
        await session.approve(network, rig.people[1], 0, console=rig.shown, yes=True)
    assert wish.action.hash.hex() in rig.told  # what was approved was shown
    async with session.opened(rig.backend(), rig.root) as network:
        with pytest.raises(PaymentError, match="not yet: 2 of 2"):
            await session.execute(network, rig.people[1], 0, console=rig.shown, yes=True)
    rig.chain.advance(DELAY + 1)
    stranger = WalletV5R1(SecretKey(bytes([8]) * 32), testnet=True)
    rig.chain.faucet(stranger.address, 10 * TON)
    async with session.opened(rig.backend(), rig.root) as network:
        await session.execute(network, stranger, 0, console=rig.shown, yes=True)
    async with session.opened(rig.backend(), rig.root) as network:
        assert bytes.fromhex(HASH) in network.root.model_hashes
        changes = await read_history(network.backend, rig.root)
        lines = report.history_lines(changes, network)
        steps = [change.step for change in changes]
        assert steps[-4:] == ["approved", "sent", "changed", "done"]
        assert any("version 3, changed add_model_type: hash cdcdcdcd" in line for line in lines)
        assert report.queue_document(network, 0) == []
        table = report.queue_table(network, 0)
        assert table.row_count == 0


@pytest.mark.parametrize("is_test", [False, True])
async def test_only_a_test_decides_without_delay(is_test: bool) -> None:
    with memory_chain() as chain:
        person = WalletV5R1(SecretKey(bytes([1]) * 32), testnet=True)
        chain.faucet(person.address, 10 * TON)
        params = sample_params(is_test=is_test)
        config = RootConfig(Address(bytes(32)), 1, params, owner=person.address)
        root = deploy(chain, "root", root_data(config), TON // 2)
        shown, backend = Console(file=io.StringIO()), EmbeddedBackend(chain)

        async def govern(delay: int) -> None:
            async with session.opened(backend, root) as network:
                rules = Rules(0, (person.address,), 1, 1, delay)
                await session.govern(network, person, rules, console=shown, yes=True)

        if is_test:
            await govern(0)
        else:
            for delay in (0, 3599):
                with pytest.raises(ConfigError, match="at least 3600 seconds"):
                    await govern(delay)
            await govern(3600)
        words = ["1", "1", "0", person.address.friendly(testnet=True)]
        wish = parse_wish("set-rules", words)
        async with session.opened(backend, root) as network:
            if is_test:
                await session.propose(network, person, wish, console=shown, yes=True)
            else:
                with pytest.raises(ConfigError, match="at least 3600 seconds"):
                    await session.propose(network, person, wish, console=shown, yes=True)
        if not is_test:  # somebody proposed it with another tool
            assert call(
                chain, config_owner(chain, root), person.address, propose(1, wish.action)
            ).ok
            async with session.opened(backend, root) as network:
                with pytest.raises(ConfigError, match="at least 3600 seconds"):
                    await session.approve(network, person, 0, console=shown, yes=True)


def config_owner(chain: EmbeddedChain, root: Address) -> Address:
    owner = root_config(root, data(chain, root)).owner
    assert owner is not None
    return owner


async def test_an_upgrade_made_for_later_is_not_approved(rig: Rig) -> None:
    """It would fit after a revocation, and undo it."""
    owners = tuple(person.address for person in rig.people)
    rules = Rules(0, owners, threshold=2, revoke_threshold=1, delay=DELAY)
    async with session.opened(rig.backend(), rig.root) as network:
        await session.govern(network, rig.people[0], rules, console=rig.shown, yes=True)
    owner, now = config_owner(rig.chain, rig.root), root_config(rig.root, data(rig.chain, rig.root))
    for ahead in (1, 2):
        later = root_data(replace(now, version=now.version + ahead))
        action = action_of(upgrade_full(0, later, load_code("root")))
        assert call(rig.chain, owner, owners[0], propose(1, action), 2 * TON).ok
    async with session.opened(rig.backend(), rig.root) as network:
        await session.approve(network, rig.people[1], 0, console=rig.shown, yes=True)
        with pytest.raises(ConfigError, match="must have version 3"):
            await session.approve(network, rig.people[1], 1, console=rig.shown, yes=True)


async def test_rent_is_shown(rig: Rig) -> None:
    async with session.opened(rig.backend(), rig.root) as network:
        [(what, text)] = await report.rent_rows(network)
    assert what == "rent of the root"
    assert text.startswith("paid for about ")
    owners = tuple(person.address for person in rig.people)
    rules = Rules(0, owners, threshold=2, revoke_threshold=1, delay=DELAY)
    async with session.opened(rig.backend(), rig.root) as network:
        await session.govern(network, rig.people[0], rules, console=rig.shown, yes=True)
    async with session.opened(rig.backend(), rig.root) as network:
        rows = await report.rent_rows(network)
    assert [name for name, _ in rows] == ["rent of the root", "rent of the governor"]
    rig.chain.advance(rent_lasts(rig.chain.account(rig.root)) + YEAR)
    rig.chain.faucet(rig.root, 1)
    async with session.opened(rig.backend(), rig.root) as network:
        text = (await report.rent_rows(network))[0][1]
    assert "OWED" in text


async def test_a_stranger_proposes_nothing(rig: Rig) -> None:
    owners = tuple(person.address for person in rig.people[:2])
    rules = Rules(0, owners, threshold=2, revoke_threshold=1, delay=DELAY)
    async with session.opened(rig.backend(), rig.root) as network:
        await session.govern(network, rig.people[0], rules, console=rig.shown, yes=True)
    async with session.opened(rig.backend(), rig.root) as network:
        wish = parse_wish("change-price", ["1", "1"])
        with pytest.raises(ConfigError, match="none of the governor's owners"):
            await session.propose(network, rig.people[2], wish, console=rig.shown, yes=True)
