"""What a worker has earned: payments that proxies signed, verified and kept (§4.2)."""

from dataclasses import dataclass

from cocoon.accounting import Nano, PaymentClaim, PriceList, Tokens
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import WORKER_PAYOUT
from cocoon.net.payment_book import PaymentBook, PaymentChannel
from cocoon.net.root_source import FixedRoot, RootSource
from cocoon.wire.events import Counters
from cocoon.worker.settings import WorkerSettings


@dataclass(frozen=True, slots=True)
class Earnings:
    """What one proxy owes us.

    Attributes:
        proxy: address of its contract, friendly form.
        contract: address of our worker contract there.
        public_key: the proxy's machine key, 32 bytes.
        signed: tokens in the newest valid payment: safe.
        db, max: tokens that the proxy has stored, and has counted.
        signed_fee: what ``signed`` is worth to us, in nanoTON.
    """

    proxy: str
    contract: str
    public_key: bytes
    signed: Tokens
    db: Tokens
    max: Tokens
    signed_fee: Nano


class Payouts:
    """The payments of all proxies.

    Args:
        settings: of the worker.
        root: where the root configuration comes from; None takes the settings' one for ever.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, settings: WorkerSettings, root: RootSource | None = None) -> None:
        self.root = FixedRoot(settings.root) if root is None else root
        self._prices: dict[Address, PriceList] = {}
        self._testnet = settings.is_testnet
        self._book = PaymentBook(WORKER_PAYOUT, settings.state_path)

    @property
    def prices(self) -> PriceList:
        """The network's prices now."""
        return PriceList.from_fields(self.root.current.params)

    def start(self) -> None:
        """Keep payments saved from now on."""
        self._book.start()

    async def close(self) -> None:
        """Save what has changed."""
        await self._book.close()

    def channel(self, *, proxy: Address, contract: Address, public_key: bytes) -> PaymentChannel:
        """The payments of one proxy, with what is remembered of it.

        Raises:
            StoreError: what the file says about it does not verify.
            PaymentError: not a public key.
        """
        # A contract keeps the prices that it was made with: they are part of its address.
        self._prices.setdefault(contract, self.prices)
        return self._book.open(proxy=proxy, contract=contract, public_key=public_key)

    def claim(self, contract: Address, proxy: Address, public_key: bytes) -> PaymentClaim:
        """What is known of a contract's payments, connected or not; raises as :meth:`channel`."""
        return self._book.open(proxy=proxy, contract=contract, public_key=public_key).known

    def report(self) -> list[Earnings]:
        """What each proxy owes."""
        reports = []
        for channel in self._book.channels:
            known = channel.known
            reports.append(
                Earnings(
                    channel.proxy.friendly(testnet=self._testnet),
                    channel.contract.friendly(testnet=self._testnet),
                    channel.public_key,
                    known.signed,
                    known.db,
                    known.max,
                    self._prices.get(channel.contract, self.prices).fee(known.signed),
                )
            )
        return reports


def counters(known: PaymentClaim) -> Counters:
    """What we tell the proxy to have; never more than it signed or stated."""
    return Counters(int(known.signed), int(known.db), int(known.max))
