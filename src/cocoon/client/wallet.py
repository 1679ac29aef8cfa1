"""The client's side of payments: charges that proxies signed, checked against our own books."""

from dataclasses import dataclass

import structlog

from cocoon.accounting import Nano, PaymentClaim, PriceList, Tokens
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE
from cocoon.client.settings import ClientSettings
from cocoon.client.spending import Spending
from cocoon.errors import PaymentError
from cocoon.net.effective_prices import EffectivePrices
from cocoon.net.payment_book import PaymentBook, PaymentChannel
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.wire.events import PaymentUpdated

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProxyAccount:
    """What we owe one proxy, as it stated and we verified.

    Attributes:
        proxy: address of its contract, friendly form.
        contract: address of our client contract there.
        ready: whether a connection to it is ready now.
        signed: tokens in the newest valid charge.
        db, max: tokens that the proxy has stored, and has counted.
        signed_cost: what ``signed`` costs, in nanoTON.
        max_cost: what ``max`` costs.
        unexplained: tokens that the proxy counted and our own books do not know.
    """

    proxy: str
    contract: str
    ready: bool
    signed: Tokens
    db: Tokens
    max: Tokens
    signed_cost: Nano
    max_cost: Nano
    unexplained: int


class Account:
    """One proxy's charges; survives reconnects.

    Attributes:
        prices: of the parameters that the contract was made with: they are part of its address.
    """

    __slots__ = ("_only_spender", "channel", "prices", "spending")

    def __init__(self, channel: PaymentChannel, prices: PriceList, *, only_spender: bool) -> None:
        self.channel = channel
        self.prices = prices
        self.spending = Spending()
        self._only_spender = only_spender

    def begin(self, status: PaymentUpdated) -> None:
        """Take the statement of a handshake.

        Raises:
            PaymentError: it does not verify, or the proxy went back.
            DecodeError: it does not parse.
        """
        claim = self.channel.begin(status)
        self.spending.begin(int(claim.max))

    def update(self, status: PaymentUpdated, since: PaymentClaim | None = None) -> None:
        """Take a statement during a session; raises as :meth:`begin`, and when it counts too much.

        Args:
            status: the statement.
            since: as in :meth:`PaymentChannel.update`.

        Raises:
            PaymentError: also: more than the requests can have cost, where nobody else spends.
        """
        claim = self.channel.update(status, since)
        if status.request_id is not None and status.request_tokens is not None:
            self.spending.told(status.request_id, status.request_tokens)
        excess = self.spending.check(int(claim.max))
        if not excess:
            return
        text = f"the proxy counts {excess} tokens more than this client used"
        if self._only_spender:
            raise PaymentError(text)
        _log.warning(text, proxy=self.channel.proxy.raw())


class Wallet:
    """All accounts of one client.

    Args:
        settings: of the client.
        root: where the root configuration comes from; None takes the settings' one for ever.

    Raises:
        StoreError: the payments file cannot be used.
    """

    def __init__(self, settings: ClientSettings, root: RootSource | None = None) -> None:
        self.address = Address.parse(settings.wallet)
        self.root = FixedRoot(settings.root) if root is None else root
        self._effective = EffectivePrices(self.root)
        self._settings = settings
        self._book = PaymentBook(CLIENT_CHARGE, settings.state_path)
        self._accounts: dict[Address, Account] = {}

    @property
    def prices(self) -> PriceList:
        """The network's prices now."""
        return self._effective()

    def claim(self, contract: Address, proxy: Address, public_key: bytes) -> PaymentClaim:
        """What is known of a contract's payments, connected or not; raises as :meth:`account`."""
        return self._book.open(proxy=proxy, contract=contract, public_key=public_key).known

    def start(self) -> None:
        """Keep payments saved from now on."""
        self._book.start()

    async def close(self) -> None:
        """Save what has changed."""
        await self._book.close()

    def account(self, *, proxy: Address, contract: Address, public_key: bytes) -> Account:
        """The account at a proxy; the same object on every connection.

        Raises:
            StoreError: what the file says about it does not verify.
            PaymentError: not a public key.
        """
        account = self._accounts.get(contract)
        if account is None:
            channel = self._book.open(proxy=proxy, contract=contract, public_key=public_key)
            account = Account(channel, self.prices, only_spender=self._settings.only_spender)
            self._accounts[contract] = account
        return account

    def report(self, ready: frozenset[Address]) -> list[ProxyAccount]:
        """All accounts; ``ready`` are our contracts whose proxy is connected."""
        testnet = self._settings.is_testnet
        reports = []
        for contract, account in self._accounts.items():
            known = account.channel.known
            reports.append(
                ProxyAccount(
                    account.channel.proxy.friendly(testnet=testnet),
                    contract.friendly(testnet=testnet),
                    contract in ready,
                    known.signed,
                    known.db,
                    known.max,
                    account.prices.cost(known.signed),
                    account.prices.cost(known.max),
                    account.spending.unexplained,
                )
            )
        return reports
