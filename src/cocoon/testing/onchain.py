"""A network of contracts on an embedded chain in memory: root, prices, funded wallets."""

from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.keys import SecretKey
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_data
from cocoon.chain.wallets.cocoon import CocoonWallet
from cocoon.testing.chain import TON, memory_chain

ROOT_OWNER = Address(bytes([0x22]) * 32)
PRICE = 20
FEE = 14
PROXY_DELAY = 3600
CLIENT_DELAY = 1800
CLIENT_STAKE = 2 * TON
PROXY_STAKE = TON


def small_params(**changes: int) -> ContractParams:
    """Parameters of a small network with our contracts; prices in nanoTON a token."""
    values = {
        "struct_version": 3,
        "params_version": 1,
        "unique_id": 17,
        "is_test": True,
        "price_per_token": PRICE,
        "worker_fee_per_token": FEE,
        "proxy_delay_before_close": PROXY_DELAY,
        "client_delay_before_close": CLIENT_DELAY,
        "min_proxy_stake": PROXY_STAKE,
        "min_client_stake": CLIENT_STAKE,
        **changes,
    }
    codes = {f"{name}_code": load_code(name) for name in ("proxy", "worker", "client")}
    return ContractParams(**values, **codes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class World:
    """The chain and its root contract.

    Attributes:
        chain: in memory; its clock stands.
        root: what the root contract was deployed with.
    """

    chain: EmbeddedChain
    root: RootConfig

    @property
    def backend(self) -> EmbeddedBackend:
        """A connection to it."""
        return EmbeddedBackend(self.chain)

    def wallet(self, seed: int, ton: float = 100) -> CocoonWallet:
        """A cocoon wallet with money; its owner is an address derived from the same number."""
        wallet = CocoonWallet(SecretKey(bytes([seed]) * 32), owner_of(seed), load_code("wallet"))
        if ton:
            self.chain.faucet(wallet.address, int(ton * TON))
        return wallet

    def balance(self, address: Address) -> int:
        """NanoTON of an account."""
        return self.chain.account(address).balance


def owner_of(seed: int) -> Address:
    """The operator that :meth:`World.wallet` uses; an account without code."""
    return Address(bytes([seed, 0xEE]) * 16)


def make_world(**changes: int) -> World:
    """A chain with a root contract; ``changes`` are fields of :class:`ContractParams`."""
    chain = memory_chain()
    params = small_params(**changes)
    nowhere = Address(bytes(32))
    data = root_data(RootConfig(nowhere, 1, params, owner=ROOT_OWNER))
    init = state_init(load_code("root"), data)
    address = Address(init.hash)
    chain.faucet(address, TON, init=init)
    return World(chain, RootConfig(address, 1, params, owner=ROOT_OWNER))
