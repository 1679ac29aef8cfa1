"""A client's money on an embedded chain; the proxy is its contract and its key alone."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.accounting import PaymentClaim, Tokens
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import proxy_messages
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.payment import CLIENT_CHARGE, sign_payment
from cocoon.chain.contracts.proxy import proxy_data
from cocoon.chain.contracts.proxy_state import ProxyLedger, ProxyState
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.delivery import Delivery
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import SenderTiming
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.money import ClientMoney
from cocoon.net.chain_access import ChainAccess
from cocoon.net.chain_settings import ChainSettings
from cocoon.testing.chain import TON
from cocoon.testing.onchain import PROXY_STAKE, World, make_world

FAST = SenderTiming(poll=0.002, resend=0.5, track=3.0, give_up=5.0)
OPERATOR = Address(bytes([0x0B]) * 32)
WALLET_SEED = 5


class Crash(BaseException):
    """The process dies here."""


@dataclass
class ClientWorld:
    """Everything that outlives the client's process."""

    world: World
    directory: Path
    key: SecretKey
    wallet: CocoonWallet
    proxy: Address
    claim: PaymentClaim = field(default_factory=PaymentClaim)
    limits: DepositLimits = field(default_factory=DepositLimits)
    backend: ChainBackend | None = None
    root_address: Address | None = None

    @property
    def contract(self) -> Address:
        """Our client contract."""
        return self.world.root.client_address(self.wallet.address, self.proxy, self.key.public_key)

    # --- what is on chain ---

    def client(self) -> ClientState:
        """Its state."""
        data = self.world.chain.account(self.contract).data
        assert data is not None
        return ClientState.from_data(data)

    def proxy_state(self) -> ProxyState:
        """State of the proxy's contract."""
        data = self.world.chain.account(self.proxy).data
        assert data is not None
        return ProxyState.from_data(data)

    def ledger(self) -> ProxyLedger:
        """Its ledger; all zero at first."""
        return self.proxy_state().ledger or ProxyLedger()

    def money(self) -> int:
        """The wallet's balance."""
        return self.world.balance(self.wallet.address)

    def advance(self, seconds: int) -> None:
        """Move the chain's clock."""
        self.world.chain.advance(seconds)

    # --- what the proxy does ---

    def uses(self, used: int, *, signed: int | None = None) -> None:
        """The proxy counts and signs."""
        signed = used if signed is None else signed
        envelope = sign_payment(
            self.key,
            CLIENT_CHARGE,
            query_id=signed,
            tokens=signed,
            address=self.contract,
            excesses=OPERATOR,
        ).boc
        self.claim = PaymentClaim(Tokens(signed), Tokens(used), Tokens(used), envelope)

    def operator(self, dest: Address, body: Cell, value: int = TON) -> None:
        """Send a message from the proxy's operator."""
        self.world.chain.faucet(dest, value, body=body, source=OPERATOR)

    def retire_proxy(self) -> None:
        """Its operator closes it."""
        self.operator(self.proxy, proxy_messages.close(1, OPERATOR))

    # --- the client's process ---

    def access(self) -> ChainAccess:
        """A connection of a process to the chain."""
        settings = ChainSettings(
            backend=lambda: self.backend or self.world.backend,
            wallet=self.wallet,
            root=self.root_address,
            directory=self.directory,
            timing=FAST,
            poll_interval=(0.01, 0.01),
            root_interval=(0.01, 0.01),
        )
        return ChainAccess(settings, self.world.root)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[ClientMoney]:
        """One life of the client; what it remembers is in the directory."""
        access = self.access()
        money = ClientMoney(access, self.limits, lambda *_: self.claim)
        try:
            await access.start()
            yield money
        finally:
            await money.close()
            await access.close()

    async def onboard(self, money: ClientMoney, nonce: int = 77) -> None:
        """Register with the proxy's number, and let everything arrive."""
        await money.register(
            contract=self.contract, proxy=self.proxy, proxy_key=self.key.public_key, nonce=nonce
        )
        await settle(money)


async def settle(money: ClientMoney, rounds: int = 3) -> None:
    """Let the background work so often."""
    for _ in range(rounds):
        await money.tick()


def make_client_world(
    directory: Path, *, ton: float = 100, stake: int = PROXY_STAKE, **changes: int
) -> ClientWorld:
    """A chain with a root, a proxy's contract with its stake, and a client's wallet."""
    world = make_world(**changes)
    key = SecretKey(bytes([7]) * 32)
    params, root = world.root.params, world.root
    data = proxy_data(params, OPERATOR, key.public_key, root.address)
    assert params.proxy_code is not None
    proxy = root.proxy_address(OPERATOR, key.public_key)
    world.chain.faucet(proxy, TON, init=state_init(params.proxy_code, data), source=OPERATOR)
    made = ClientWorld(world, directory, key, world.wallet(WALLET_SEED, ton), proxy)
    if stake:
        made.operator(proxy, proxy_messages.increase_stake(1, stake, OPERATOR), stake + TON)
    return made


class CrashingSender:
    """Dies before or after the wallet's message leaves.

    Args:
        inner: the real one.
        before: messages that are not sent any more.
    """

    def __init__(self, inner: object, *, before: bool) -> None:
        self._inner = inner
        self._before = before

    async def send(self, *messages: OutMessage, follow: int = 0) -> Sequence[Delivery]:
        """Send or not, and die."""
        if not self._before:
            await self._inner.send(*messages, follow=follow)  # type: ignore[attr-defined]
        raise Crash

    async def close(self) -> None:
        """Close the real one."""
        await self._inner.close()  # type: ignore[attr-defined]


def crash_on_send(money: ClientMoney, *, before: bool) -> None:
    """From now on the process dies when it sends."""
    access = money._access
    access.sender = CrashingSender(access.sender, before=before)  # type: ignore[assignment]
