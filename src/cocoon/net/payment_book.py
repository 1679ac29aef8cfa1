"""What proxies have signed to us: every payment verified, the highest remembered over restarts.

Clients and workers keep one. A channel is one of our contracts at one proxy; a proxy that states
less than before has lost its books or lies, and is refused (``onchain.md`` §12,
``wire-protocol.md`` §4.1, §4.2). The file is small JSON, written completely or not at all.
"""

import asyncio
import base64
import contextlib
from dataclasses import replace
from pathlib import Path

import msgspec
import structlog

from cocoon.accounting import LowerClaim, PaymentClaim, PaymentReceiver, Tokens
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import PaymentReader
from cocoon.errors import CocoonError, StoreError
from cocoon.net.state_file import write_private
from cocoon.wire.events import PaymentUpdated

SAVE_INTERVAL = 1.0
"""Seconds between writes while something changes."""
MAX_FILE_BYTES = 16 << 20
MAX_CHANNELS = 10_000
"""Channels opened since the start; so many fit the file."""

_log = structlog.get_logger(__name__)


class _Entry(msgspec.Struct):
    """One channel in the file; the contract's raw address is its key."""

    proxy: str
    public_key: str
    signed: int
    db: int
    max: int
    envelope: str = ""


class _File(msgspec.Struct):
    version: int
    channels: dict[str, _Entry]


class PaymentChannel:
    """Payments of one proxy to one contract of ours.

    Attributes:
        proxy, contract: addresses of the proxy's and of our contract.
        public_key: the proxy's machine key, 32 bytes.
    """

    __slots__ = ("_book", "_read", "_receiver", "contract", "proxy", "public_key")

    def __init__(
        self,
        book: "PaymentBook",
        proxy: Address,
        contract: Address,
        public_key: bytes,
        known: PaymentClaim,
    ) -> None:
        self._book = book
        self.proxy = proxy
        self.contract = contract
        self.public_key = public_key
        self._read = PaymentReader(book.operation, contract, public_key).tokens
        self._receiver = PaymentReceiver(self._read, LowerClaim.REFUSE, known)

    @property
    def known(self) -> PaymentClaim:
        """The highest of everything received."""
        return self._receiver.known

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever received."""
        return self._receiver.known == PaymentClaim()

    def begin(self, status: PaymentUpdated) -> PaymentClaim:
        """Take what a proxy states in a handshake.

        Its used level may be lower than before: a proxy that crashed has honestly forgotten what it
        had not stored. The stored and the signed level may not.

        Raises:
            PaymentError: it does not verify or went back.
            DecodeError: it does not parse.
        """
        known = self._receiver.known
        fresh = PaymentReceiver(self._read, LowerClaim.REFUSE, replace(known, max=known.db))
        claim = fresh.receive(status.payment, status.db_tokens, status.max_tokens)
        self._receiver = fresh
        self._note(known, claim)
        return claim

    def update(self, status: PaymentUpdated, since: PaymentClaim | None = None) -> PaymentClaim:
        """Take what a proxy states during a session; raises as :meth:`begin`.

        Here no level may go back.

        Args:
            status: the statement.
            since: for an answer, what was known when we asked. Payments that come right behind
                the answer are handled before whoever waits for it has its turn of the loop.
        """
        known = self._receiver.known
        claim = self._receiver.receive(status.payment, status.db_tokens, status.max_tokens, since)
        self._note(known, claim)
        return claim

    def _note(self, before: PaymentClaim, after: PaymentClaim) -> None:
        if before != after:
            self._book.changed = True


class PaymentBook:
    """All channels of one client or worker.

    Args:
        operation: ``CLIENT_CHARGE`` or ``WORKER_PAYOUT`` of ``cocoon.chain.contracts.payment``.
        path: the file, or None to keep everything in memory only.

    Raises:
        StoreError: the file is there and cannot be used.
    """

    def __init__(self, operation: int, path: Path | None = None) -> None:
        self.operation = operation
        self.changed = False
        self._path = path
        self._channels: dict[Address, PaymentChannel] = {}
        self._stored = {} if path is None else _read_file(path)
        self._saver: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def channels(self) -> tuple[PaymentChannel, ...]:
        """The channels opened since the start."""
        return tuple(self._channels.values())

    def open(self, *, proxy: Address, contract: Address, public_key: bytes) -> PaymentChannel:
        """The channel of this contract, with what is known of it.

        Raises:
            StoreError: what the file says about it does not verify, or there are too many.
            PaymentError: not a public key.
        """
        channel = self._channels.get(contract)
        if channel is None:
            # Proxies choose their keys, and with them our contracts: somebody must set an end.
            if len(self._channels) >= MAX_CHANNELS:
                raise StoreError(f"{MAX_CHANNELS} channels are open, too many; restart to forget")
            known = self._known(contract, public_key)
            channel = PaymentChannel(self, proxy, contract, public_key, known)
            self._channels[contract] = channel
        return channel

    def _known(self, contract: Address, public_key: bytes) -> PaymentClaim:
        entry = self._stored.get(contract.raw())
        if entry is None:
            return PaymentClaim()
        try:
            envelope = base64.b64decode(entry.envelope, validate=True) or None
            reader = PaymentReader(self.operation, contract, public_key)
            signed = 0 if envelope is None else reader.tokens(envelope)
            if signed != entry.signed:
                raise StoreError("the amount is not the signed one")
            return PaymentClaim(Tokens(signed), Tokens(entry.db), Tokens(entry.max), envelope)
        except (CocoonError, ValueError) as error:  # base64 has both kinds of ValueError
            raise StoreError(
                f"{self._path}: the entry of {contract} does not verify ({error}); "
                "restore a copy or move the file away"
            ) from None

    # --- the file ---

    def start(self) -> None:
        """Write changes from now on, in the background."""
        if self._path is not None:
            self._stopping.clear()
            self._saver = asyncio.get_running_loop().create_task(self._keep_saved(self._path))

    async def close(self) -> None:
        """Stop, and write what has changed.

        Raises:
            StoreError: it cannot be written.
        """
        if self._saver is not None:
            # Not cancelled: a thread may be writing, and an older state must not win.
            self._stopping.set()
            await self._saver
            self._saver = None
        self.save()

    def save(self) -> None:
        """Write the file now if anything changed.

        Raises:
            StoreError: it cannot be written.
        """
        if self._path is not None and self.changed:
            self.changed = False
            write_private(self._path, self._encode())

    def _encode(self) -> bytes:
        entries = dict(self._stored)
        for contract, channel in self._channels.items():
            if not channel.is_empty:
                entries[contract.raw()] = _entry(channel)
        return msgspec.json.format(msgspec.json.encode(_File(1, entries)), indent=1)

    async def _keep_saved(self, path: Path) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVE_INTERVAL):
                    await self._stopping.wait()
            if not self.changed:
                continue
            self.changed = False
            try:
                await asyncio.to_thread(write_private, path, self._encode())
            except StoreError as error:
                self.changed = True
                _log.error("payments are not saved", reason=str(error))


def _entry(channel: PaymentChannel) -> _Entry:
    known = channel.known
    return _Entry(
        channel.proxy.raw(),
        channel.public_key.hex(),
        int(known.signed),
        int(known.db),
        int(known.max),
        base64.b64encode(known.envelope or b"").decode(),
    )


def _read_file(path: Path) -> dict[str, _Entry]:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}") from None
    try:
        document = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise StoreError(f"{path} is not a payments file; move it away to start anew") from None
    if document.version != 1:
        raise StoreError(f"{path} has version {document.version}; this program knows version 1")
    return document.channels
