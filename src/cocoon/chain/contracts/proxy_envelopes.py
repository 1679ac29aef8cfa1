"""What the proxy's machine key signs for its own contract: close steps and commits.

The same envelope as for payments (``onchain.md`` §2), with other inner cells. Operation and the
proxy's address are inside the signed cell, so a signature is good for one purpose and one contract
only; sequence number or state make it good once.
"""

from dataclasses import dataclass

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.payment import signed_envelope
from cocoon.chain.keys import SIGNATURE_BYTES, PublicKey, SecretKey
from cocoon.errors import DecodeError, PaymentError

CLOSE_OPERATIONS = frozenset(
    {
        opcodes.EXT_PROXY_CLOSE_REQUEST_SIGNED,
        opcodes.EXT_PROXY_CLOSE_COMPLETE_REQUEST_SIGNED,
    }
)


@dataclass(frozen=True, slots=True)
class SignedClose:
    """A close step as an envelope holds it; the signature is not checked by reading.

    Args:
        operation: one of ``CLOSE_OPERATIONS``.
        query_id: 64-bit number.
        proxy: the contract.
        excesses: who receives what is left; not signed.
        signature: 64 bytes.
    """

    operation: int
    query_id: int
    proxy: Address
    excesses: Address
    signature: bytes

    def verify(self, public_key: PublicKey) -> None:
        """Check the signature.

        Raises:
            PaymentError: not by this key.
        """
        public_key.verify(self.signature, _close_inner(self).hash)

    def cell(self) -> Cell:
        """The message body."""
        return signed_envelope(_close_inner(self), self.signature, self.excesses)


@dataclass(frozen=True, slots=True)
class SignedCommit:
    """A commit as an envelope holds it (our contract only); reading checks no signature.

    Args:
        query_id: 64-bit number.
        seqno: must grow with each commit, 64 bits.
        state_root: 32 bytes that stand for the proxy's books.
        proxy: the contract.
        excesses: who receives what is left; not signed.
        signature: 64 bytes.
    """

    query_id: int
    seqno: int
    state_root: bytes
    proxy: Address
    excesses: Address
    signature: bytes

    def verify(self, public_key: PublicKey) -> None:
        """Check the signature.

        Raises:
            PaymentError: not by this key.
        """
        public_key.verify(self.signature, _commit_inner(self).hash)

    def cell(self) -> Cell:
        """The message body."""
        return signed_envelope(_commit_inner(self), self.signature, self.excesses)


def sign_close_request(
    key: SecretKey, query_id: int, proxy: Address, excesses: Address
) -> SignedClose:
    """First step: the contract closes after its delay. Attach ``VALUE_CLOSING``.

    Raises:
        DecodeError: a value does not fit.
    """
    return _sign_close(
        key, SignedClose(opcodes.EXT_PROXY_CLOSE_REQUEST_SIGNED, query_id, proxy, excesses, b"")
    )


def sign_close_complete(
    key: SecretKey, query_id: int, proxy: Address, excesses: Address
) -> SignedClose:
    """Second step, after the delay: stake and commission go to the owner.

    Raises:
        DecodeError: a value does not fit.
    """
    operation = opcodes.EXT_PROXY_CLOSE_COMPLETE_REQUEST_SIGNED
    return _sign_close(key, SignedClose(operation, query_id, proxy, excesses, b""))


def sign_commit(
    key: SecretKey,
    query_id: int,
    *,
    seqno: int,
    state_root: bytes,
    proxy: Address,
    excesses: Address,
) -> SignedCommit:
    """Note a state of the proxy's books on the chain. Attach ``VALUE_COMMIT``.

    Raises:
        DecodeError: a value does not fit.
    """
    unsigned = SignedCommit(query_id, seqno, state_root, proxy, excesses, b"")
    signature = key.sign(_commit_inner(unsigned).hash)
    return SignedCommit(query_id, seqno, state_root, proxy, excesses, signature)


def read_close(body: Cell) -> SignedClose:
    """Read a close envelope; its signature is left to :meth:`SignedClose.verify`.

    Raises:
        DecodeError: malformed, or outer and inner part differ.
    """
    operation, query_id, excesses, signature, read = _open(body)
    if operation not in CLOSE_OPERATIONS:
        raise DecodeError("not a close envelope")
    proxy = read.address()
    read.end()
    return SignedClose(operation, query_id, proxy, excesses, signature)


def read_commit(body: Cell) -> SignedCommit:
    """Read a commit envelope; its signature is left to :meth:`SignedCommit.verify`.

    Raises:
        DecodeError: malformed, or outer and inner part differ.
    """
    operation, query_id, excesses, signature, read = _open(body)
    if operation != opcodes.EXT_PROXY_COMMIT_SIGNED:
        raise DecodeError("not a commit envelope")
    seqno, state_root, proxy = read.uint(64), read.raw(32), read.address()
    read.end()
    return SignedCommit(query_id, seqno, state_root, proxy, excesses, signature)


def _open(body: Cell) -> tuple[int, int, Address, bytes, Reader]:
    """The outer part, and a reader of the inner cell after operation and query id."""
    read = Reader(body)
    operation, query_id, excesses = read.uint(32), read.uint(64), read.address()
    signature, inner = read.raw(SIGNATURE_BYTES), Reader(read.ref())
    read.end()
    if (inner.uint(32), inner.uint(64)) != (operation, query_id):
        raise DecodeError("envelope does not match what was signed")
    return operation, query_id, excesses, signature, inner


def _sign_close(key: SecretKey, unsigned: SignedClose) -> SignedClose:
    if unsigned.operation not in CLOSE_OPERATIONS:
        raise PaymentError(f"operation {unsigned.operation:#010x} closes nothing")
    return SignedClose(
        unsigned.operation,
        unsigned.query_id,
        unsigned.proxy,
        unsigned.excesses,
        key.sign(_close_inner(unsigned).hash),
    )


def _close_inner(close: SignedClose) -> Cell:
    return head(close.operation, close.query_id).address(close.proxy).cell()


def _commit_inner(commit: SignedCommit) -> Cell:
    out = head(opcodes.EXT_PROXY_COMMIT_SIGNED, commit.query_id).uint(commit.seqno, 64)
    return out.hash256(commit.state_root).address(commit.proxy).cell()
