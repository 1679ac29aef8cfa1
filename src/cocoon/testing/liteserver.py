"""A liteserver on loopback over an embedded chain, truthful or not.

Its blocks are made up (:mod:`cocoon.testing.made_up_state`): they prove what the embedded chain
says, and nobody signed them. Several servers of one :class:`Masterchain` show the same blocks.
"""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import CipherContext

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.liteserver import tl
from cocoon.chain.liteserver.adnl import (
    frame,
    handshake_cipher,
    key_id,
    read_frame,
    secret_to_x25519,
    stream_cipher,
    to_x25519,
)
from cocoon.chain.liteserver.servers import Server
from cocoon.chain.vm_stack import parse_stack, serialize_stack
from cocoon.errors import ChainError, ContractError, MessageRejectedError
from cocoon.testing.made_up_state import MadeUpState, bag, make_state

ZERO_STATE = bytes(32)
MAX_TRANSACTIONS = 16
NOT_FOUND = 651
STEP = 0.05
"""Seconds between looks at the chain while somebody waits for a block."""
REJECTED = "cannot apply external message to current state : External message was not accepted"

Tamper = Callable[[bytes], bytes]


class Masterchain:
    """The made-up masterchain of an embedded chain.

    Args:
        chain: whose accounts are shown.
    """

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self._states: dict[int, MadeUpState] = {}

    def newest(self) -> MadeUpState:
        """The state at the chain's newest block."""
        self.chain.tick()
        head = self.chain.head()
        if head.seqno not in self._states:
            accounts = [self.chain.account(address) for address in self._addresses()]
            self._states[head.seqno] = make_state(head.seqno, head.time, accounts)
        return self._states[head.seqno]

    def at(self, seqno: int) -> MadeUpState | None:
        """The state at a block that was shown before."""
        return self._states.get(seqno)

    def _addresses(self) -> set[Address]:
        """All accounts: each has had a transaction."""
        found: set[Address] = set()
        before: int | None = None
        while page := self.chain.recent_transactions(limit=100, before=before):
            found |= {item.address for item in page}
            before = page[-1].lt
        return found


class FalseLiteserver:
    """The server; use it in an ``async with`` block.

    Args:
        masterchain: what it shows.

    Attributes:
        tamper: by constructor of the question, what to do with the answer before it is sent.
        refusals: code and text of errors to answer the next questions with.
        silent: whether it does not answer at all.
        questions: constructors, as they came.
        server: how to reach it.
    """

    def __init__(self, masterchain: Masterchain) -> None:
        self.masterchain = masterchain
        self.tamper: dict[bytes, Tamper] = {}
        self.refusals: deque[tuple[int, str]] = deque()
        self.silent = False
        self.questions: list[bytes] = []
        self.server = Server("", 0, bytes(32))
        self._seed = secrets.token_bytes(32)
        self._listener: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        host, port = self._listener.sockets[0].getsockname()
        key = Ed25519PrivateKey.from_private_bytes(self._seed).public_key().public_bytes_raw()
        self.server = Server(host, port, key)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        self.drop()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def drop(self) -> None:
        """Close all connections."""
        for task in self._connections:
            task.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._connections.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.readexactly(256)
        if hello[:32] != key_id(self.server.key):
            return
        checksum = hello[64:96]
        shared = secret_to_x25519(self._seed).exchange(to_x25519(hello[32:64]))
        params = handshake_cipher(shared, checksum).update(hello[96:])
        if sha256(params).digest() != checksum:
            return
        decrypt = stream_cipher(params[32:64], params[80:96])
        encrypt = stream_cipher(params[:32], params[64:80])
        writer.write(encrypt.update(frame(b"")))
        while True:
            payload = await read_frame(reader, decrypt)
            if payload[:4] == tl.PING:
                writer.write(encrypt.update(frame(tl.PONG + payload[4:])))
            elif not self.silent:
                task = asyncio.create_task(self._answer(payload, writer, encrypt))
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

    async def _answer(
        self, payload: bytes, writer: asyncio.StreamWriter, encrypt: CipherContext
    ) -> None:
        read = tl.TlReader(payload).expect(tl.ADNL_QUERY)
        query_id = read.take(32)
        question = tl.TlReader(read.text()).expect(tl.LITESERVER_QUERY).text()
        if question[:4] == tl.WAIT_MASTERCHAIN:
            read = tl.TlReader(question).expect(tl.WAIT_MASTERCHAIN)
            await self._wait(read.unsigned(), read.unsigned() / 1000)
            question = question[12:]
        answer = await asyncio.to_thread(self._serve, question)
        writer.write(encrypt.update(frame(tl.ADNL_ANSWER + query_id + tl.text(answer))))
        await writer.drain()

    async def _wait(self, seqno: int, seconds: float) -> None:
        """Wait for a block, but not longer; what is asked after that is answered either way."""
        chain = self.masterchain.chain
        while chain.head().seqno < seqno and seconds > 0:
            await asyncio.sleep(STEP)
            seconds -= STEP

    def _serve(self, question: bytes) -> bytes:
        kind = question[:4]
        self.questions.append(kind)
        if self.refusals:
            return _error(*self.refusals.popleft())
        handlers = {
            tl.GET_MASTERCHAIN_INFO: self._masterchain_info,
            tl.LOOKUP_BLOCK: self._lookup,
            tl.GET_BLOCK_HEADER: self._header,
            tl.GET_ACCOUNT_STATE: self._account,
            tl.GET_TRANSACTIONS: self._transactions,
            tl.RUN_METHOD: self._run,
            tl.SEND_MESSAGE: self._send,
        }
        answer = handlers[kind](tl.TlReader(question[4:]))
        return self.tamper.get(kind, bytes)(answer)

    def _masterchain_info(self, read: tl.TlReader) -> bytes:
        block = self.masterchain.newest().block
        zero = tl.number(tl.MASTERCHAIN) + ZERO_STATE + bytes(32)
        return tl.MASTERCHAIN_INFO + block.bytes() + bytes(32) + zero

    def _lookup(self, read: tl.TlReader) -> bytes:
        read.take(4 + 4 + 8)
        return self._show_header(read.unsigned())

    def _header(self, read: tl.TlReader) -> bytes:
        return self._show_header(read.block().seqno)

    def _show_header(self, seqno: int) -> bytes:
        shown = self.masterchain.at(seqno)
        if shown is None:
            return _error(NOT_FOUND, "block is not applied")
        return tl.BLOCK_HEADER + shown.block.bytes() + tl.number(0) + tl.text(shown.header_bag())

    def _account(self, read: tl.TlReader) -> bytes:
        block = read.block()
        read.number()
        address = Address(read.take(32))
        shown = self.masterchain.at(block.seqno)
        if shown is None:
            return _error(NOT_FOUND, "block is not applied")
        shard = shown.shard(address)
        cell = shard.cells.get(address)
        return b"".join(
            (
                tl.ACCOUNT_STATE,
                shown.block.bytes(),
                shard.block.bytes(),
                tl.text(shown.shard_proof()),
                tl.text(shard.proof(address)),
                tl.text(b"" if cell is None else to_boc(cell)),
            )
        )

    def _transactions(self, read: tl.TlReader) -> bytes:
        count = min(read.unsigned(), MAX_TRANSACTIONS)
        read.number()
        address = Address(read.take(32))
        lt = int.from_bytes(read.take(8), "little")
        found = self.masterchain.chain.transactions(address, limit=count, before=lt + 1)
        if not found:
            return tl.TRANSACTION_LIST + tl.number(0) + tl.text(b"")
        name = self.masterchain.newest().block.bytes()
        ids = b"".join(itertools.repeat(name, len(found)))
        cells = tl.text(bag(item.cell for item in found))
        return tl.TRANSACTION_LIST + tl.number(len(found)) + ids + cells

    def _run(self, read: tl.TlReader) -> bytes:
        read.unsigned()
        block = read.block()
        read.number()
        address = Address(read.take(32))
        method = int.from_bytes(read.take(8), "little")
        stack = parse_stack(from_boc(read.text()))
        code, result = 0, b""
        try:
            values = self.masterchain.chain.run(address, method, stack).stack
            result = to_boc(serialize_stack(values))
        except ContractError as error:
            code = error.contract_exit_code if error.contract_exit_code is not None else -256
            result = to_boc(serialize_stack(()))
        names = block.bytes() * 2
        head = tl.METHOD_RESULT + tl.number(tl.WITH_RESULT) + names
        return head + tl.number(code) + tl.text(result)

    def _send(self, read: tl.TlReader) -> bytes:
        try:
            self.masterchain.chain.send(from_boc(read.text()))
        except MessageRejectedError as error:
            return _error(0, f"{REJECTED}\nexitcode={error.contract_exit_code}")
        except ChainError as error:
            return _error(0, str(error))
        return tl.SEND_STATUS + tl.number(1)


def _error(code: int, message: str) -> bytes:
    return tl.ERROR + tl.number(code) + tl.text(message.encode())
