"""The messages that a proxy sends on chain, signed with its machine key where they must be."""

from collections.abc import Callable

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.contracts import proxy_messages
from cocoon.chain.contracts.code import code_info
from cocoon.chain.contracts.payment import SignedPayment, sign_payment
from cocoon.chain.contracts.proxy import proxy_data, save_state_body
from cocoon.chain.contracts.proxy_envelopes import (
    sign_close_complete,
    sign_close_request,
    sign_commit,
)
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.contracts.worker_messages import limited_payout
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage
from cocoon.chain.root_config import RootConfig
from cocoon.errors import ConfigError
from cocoon.proxy.books import ClientRecord, WorkerRecord
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.store import StateCommit

NOTE_VALUE = 1
"""nanoTON of an official ``save_state``, which is only there to be read."""
_SAVE_STATE_SEQNO = 2**31


class ProxyMessages:
    """Makes them; what a contract does not need comes back to the wallet.

    Args:
        root: the network: codes and parameters of the contracts.
        key: the proxy's machine key.
        owner: the operator, the proxy contract's owner.
        wallet: where excesses go.
        settings: how much to attach.
        new_query_id: random unsigned 64-bit numbers.

    Attributes:
        are_ours: whether the network runs our contracts and not the official ones, whose proxy
            keeps no ledger.
        min_stake: nanoTON that the proxy contract wants before it takes deposits.
        client_delay: seconds after which a client takes its money back alone.
    """

    def __init__(
        self,
        root: RootConfig,
        key: SecretKey,
        owner: Address,
        wallet: Address,
        settings: SettlementSettings,
        new_query_id: Callable[[], int],
    ) -> None:
        self._root = root
        self._key = key
        self._owner = owner
        self._wallet = wallet
        self._settings = settings
        self._query_id = new_query_id
        self._contract = root.proxy_address(owner, key.public_key)
        code = root.params.proxy_code
        self.are_ours = code is not None and code.hash == code_info("proxy").code.hash
        self.min_stake = root.params.min_proxy_stake
        self.client_delay = root.params.client_delay_before_close

    def deploy(self) -> OutMessage:
        """Deploy the proxy contract.

        Raises:
            ConfigError: the root configuration lacks its code.
        """
        code = self._root.params.proxy_code
        if code is None:
            raise ConfigError("root configuration lacks the proxy contract's code")
        data = proxy_data(self._root.params, self._owner, self._key.public_key, self._root.address)
        return OutMessage(
            self._contract,
            self._settings.deploy_value,
            EMPTY_CELL,
            bounce=False,
            init=state_init(code, data),
        )

    def increase_stake(self, amount: int) -> OutMessage:
        """Add to the stake, nanoTON."""
        body = proxy_messages.increase_stake(self._query_id(), amount, self._wallet)
        return self._to_proxy(body, amount + self._settings.message_value)

    def commit(self, commit: StateCommit) -> OutMessage:
        """Publish a state of the books.

        Our contract checks the machine key's signature and that the number grows; an official one
        keeps a log of what the proxy's wallet wrote.

        Raises:
            ConfigError: the number of the flush does not fit the official form.
        """
        if not self.are_ours:
            return self._official_commit(commit)
        signed = sign_commit(
            self._key,
            self._query_id(),
            seqno=commit.seqno,
            state_root=commit.root,
            proxy=self._contract,
            excesses=self._wallet,
        )
        return self._to_proxy(signed.cell())

    def _official_commit(self, commit: StateCommit) -> OutMessage:
        if commit.seqno >= _SAVE_STATE_SEQNO:
            raise ConfigError("the flush counter is exhausted: retire this proxy contract")
        body = save_state_body(self._query_id(), commit.seqno, commit.root)
        return OutMessage(self._contract, NOTE_VALUE, body)

    def charge(self, record: ClientRecord) -> OutMessage:
        """Charge a client for everything committed."""
        return self._signed(opcodes.EXT_CLIENT_CHARGE_SIGNED, record)

    def grant_refund(self, record: ClientRecord) -> OutMessage:
        """Charge a client for everything committed and give the rest back."""
        return self._signed(opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED, record)

    def payout(
        self, record: WorkerRecord, *, limit: int | None = None, deploy: bool = False
    ) -> OutMessage:
        """Pay a worker.

        Args:
            record: who.
            limit: at most so many tokens now; our contracts only.
            deploy: its contract is not there yet.
        """
        operation = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
        if limit is None:
            message = self._signed(operation, record)
        else:
            payment = self._sign(operation, record)
            body = limited_payout(payment, limit, self._wallet)
            message = OutMessage(record.contract, self._settings.message_value, body)
        return self._with_worker_init(record, message) if deploy else message

    def last_payout(self, record: WorkerRecord) -> OutMessage:
        """Pay a worker and close its contract."""
        return self._signed(opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED, record)

    def withdraw_commission(self) -> OutMessage:
        """Let the proxy contract pay its commission to its owner."""
        return self._to_proxy(proxy_messages.payout_request(self._query_id(), self._wallet))

    def close_request(self) -> OutMessage:
        """Retire the proxy contract: no more deposits."""
        signed = sign_close_request(self._key, self._query_id(), self._contract, self._wallet)
        return self._to_proxy(signed.cell())

    def close_complete(self) -> OutMessage:
        """End it after its delay: commission and stake go to the owner."""
        signed = sign_close_complete(self._key, self._query_id(), self._contract, self._wallet)
        return self._to_proxy(signed.cell())

    def _signed(self, operation: int, record: ClientRecord | WorkerRecord) -> OutMessage:
        body = self._sign(operation, record).body()
        return OutMessage(record.contract, self._settings.message_value, body)

    def _sign(self, operation: int, record: ClientRecord | WorkerRecord) -> SignedPayment:
        return sign_payment(
            self._key,
            operation,
            query_id=self._query_id(),
            tokens=int(record.account.counter.chain),
            address=record.contract,
            excesses=self._wallet,
        )

    def _to_proxy(self, body: Cell, value: int | None = None) -> OutMessage:
        return OutMessage(self._contract, value or self._settings.message_value, body)

    def _with_worker_init(self, record: WorkerRecord, message: OutMessage) -> OutMessage:
        code = self._root.params.worker_code
        if code is None:
            raise ConfigError("root configuration lacks the worker contract's code")
        owner = Address.parse(record.account.owner)
        data = worker_data(self._root.params, owner, self._contract, self._key.public_key)
        return OutMessage(
            message.dest, message.value, message.body, message.bounce, state_init(code, data)
        )
