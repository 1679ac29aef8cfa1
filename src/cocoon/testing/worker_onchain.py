"""A worker's money on an embedded chain; proxy and client are their contracts and keys alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.accounting import PaymentClaim, Tokens
from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.contracts import client_messages
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.payment import CLIENT_CHARGE, WORKER_PAYOUT, sign_payment
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.net.chain_access import ChainAccess
from cocoon.net.chain_settings import ChainSettings
from cocoon.testing.chain import TON
from cocoon.testing.client_onchain import FAST, OPERATOR, ClientWorld
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.money import WorkerMoney

CLIENT_OWNER = Address(bytes([0x33]) * 32)
WORKER_OWNER = Address(bytes([0x44]) * 32)


@dataclass
class WorkerWorld:
    """Everything that outlives the worker's process.

    Args:
        base: the chain with a proxy's contract; its wallet is the worker's.
        directory: of the worker.
    """

    base: ClientWorld
    directory: Path
    claim: PaymentClaim = field(default_factory=PaymentClaim)
    rules: PayoutRules = field(default_factory=PayoutRules)
    charged: int = 0

    @property
    def contract(self) -> Address:
        """The worker contract."""
        root, key = self.base.world.root, self.base.key.public_key
        return root.worker_address(WORKER_OWNER, self.base.proxy, key)

    @property
    def client(self) -> Address:
        """The contract of a client that pays for the work."""
        root, key = self.base.world.root, self.base.key.public_key
        return root.client_address(CLIENT_OWNER, self.base.proxy, key)

    def state(self) -> WorkerState:
        """State of the worker contract."""
        data = self.base.world.chain.account(self.contract).data
        assert data is not None
        return WorkerState.from_data(data)

    def earned(self) -> int:
        """What the owner has received, nanoTON."""
        return self.base.world.balance(WORKER_OWNER)

    def charge_client(self, tokens: int) -> None:
        """A client pays for so many tokens more, and the proxy charges it."""
        chain, params = self.base.world.chain, self.base.world.root.params
        assert params.client_code is not None
        if not self.charged:
            key = self.base.key.public_key
            data = client_data(params, CLIENT_OWNER, self.base.proxy, key)
            chain.faucet(self.client, TON, init=state_init(params.client_code, data))
        amount = tokens * params.price_per_token
        top_up = client_messages.top_up(1, amount, CLIENT_OWNER)
        chain.faucet(self.client, amount + TON, body=top_up, source=CLIENT_OWNER)
        self.charged += tokens
        signed = sign_payment(
            self.base.key,
            CLIENT_CHARGE,
            query_id=1,
            tokens=self.charged,
            address=self.client,
            excesses=OPERATOR,
        )
        chain.faucet(self.client, TON, body=from_boc(signed.boc), source=OPERATOR)

    def signs(self, tokens: int) -> None:
        """The proxy signs a payout up to this counter."""
        envelope = sign_payment(
            self.base.key,
            WORKER_PAYOUT,
            query_id=tokens,
            tokens=tokens,
            address=self.contract,
            excesses=OPERATOR,
        ).boc
        level = Tokens(tokens)
        self.claim = PaymentClaim(level, level, level, envelope)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[WorkerMoney]:
        """One life of the worker."""
        base = self.base
        settings = ChainSettings(
            backend=lambda: base.backend or base.world.backend,
            wallet=base.wallet,
            root=base.root_address,
            directory=self.directory,
            timing=FAST,
            poll_interval=(0.01, 0.01),
            root_interval=(0.01, 0.01),
        )
        access = ChainAccess(settings, base.world.root)
        money = WorkerMoney(access, WORKER_OWNER, self.rules, lambda *_: self.claim)
        money.note(contract=self.contract, proxy=base.proxy, proxy_key=base.key.public_key)
        try:
            await access.start()
            yield money
        finally:
            await money.close()
            await access.close()
