"""Signed payments: the envelope that a contract accepts as proof of a cumulative token counter.

The proxy's machine key signs the hash of the inner cell; the envelope around it carries operation,
query id, the receiver of excess value and the signature (``onchain.md`` §2, ``wire-protocol.md``
§13). Only the inner cell is signed: whoever submits the envelope may put its own address in as the
receiver of excesses (:meth:`SignedPayment.repack`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.keys import SIGNATURE_BYTES, PublicKey, SecretKey
from cocoon.errors import DecodeError, PaymentError

MAX_TOKENS = 2**63 - 1
"""The official node keeps the counter in an int64."""
MAX_ENVELOPE_BYTES = 512
"""An envelope has 185 bytes, with index and CRC a few more."""
_ENVELOPE_CELLS = 2

CLIENT_CHARGE = opcodes.EXT_CLIENT_CHARGE_SIGNED
WORKER_PAYOUT = opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED
TOKEN_OPERATIONS = frozenset(
    {
        opcodes.EXT_CLIENT_CHARGE_SIGNED,
        opcodes.EXT_CLIENT_GRANT_REFUND_SIGNED,
        opcodes.EXT_WORKER_PAYOUT_REQUEST_SIGNED,
        opcodes.EXT_WORKER_LAST_PAYOUT_REQUEST_SIGNED,
    }
)
"""Operations whose inner cell carries a token counter."""


@dataclass(frozen=True, slots=True)
class SignedPayment:
    """A payment whose form, addressee and signature were checked.

    Args:
        operation: one of ``TOKEN_OPERATIONS``.
        query_id: 64-bit number, the same inside and outside.
        tokens: cumulative counter.
        address: the client's or worker's contract.
        signature: 64 bytes over the inner cell's hash.
        excesses: who receives value that is left over; not signed.
        boc: the envelope as bytes.
    """

    operation: int
    query_id: int
    tokens: int
    address: Address
    signature: bytes
    excesses: Address
    boc: bytes

    def body(self) -> Cell:
        """The envelope as the body of a message to the contract."""
        inner = inner_cell(self.operation, self.query_id, self.tokens, self.address)
        return signed_envelope(inner, self.signature, self.excesses)

    def repack(self, excesses: Address) -> "SignedPayment":
        """The same payment with another receiver of excesses, signature and amount untouched."""
        repacked = replace(self, excesses=excesses)
        return replace(repacked, boc=to_boc(repacked.body()))


def inner_cell(operation: int, query_id: int, tokens: int, address: Address) -> Cell:
    """The cell whose hash is signed.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(operation, 32).uint(query_id, 64).uint(tokens, 64)
    return out.address(address).cell()


def sign_payment(
    key: SecretKey,
    operation: int,
    *,
    query_id: int,
    tokens: int,
    address: Address,
    excesses: Address,
) -> SignedPayment:
    """Sign a payment; whether this amount may be signed is for the caller to decide.

    Args:
        key: the proxy's machine key.
        operation: one of ``TOKEN_OPERATIONS``.
        query_id: any 64-bit number, random by custom.
        tokens: cumulative counter, 0…2⁶³-1.
        address: the client's or worker's contract.
        excesses: who receives value that is left over.

    Raises:
        PaymentError: not an operation with a counter, or the counter is out of range.
        DecodeError: another value does not fit.
    """
    if operation not in TOKEN_OPERATIONS:
        raise PaymentError(f"operation {operation:#010x} carries no token counter")
    if not 0 <= tokens <= MAX_TOKENS:
        raise PaymentError(f"token counter out of range: {tokens}")
    inner = inner_cell(operation, query_id, tokens, address)
    signature = key.sign(inner.hash)
    boc = to_boc(signed_envelope(inner, signature, excesses))
    return SignedPayment(operation, query_id, tokens, address, signature, excesses, boc)


def read_payment(
    boc: bytes, *, operation: int, address: Address, public_key: PublicKey
) -> SignedPayment:
    """Parse an envelope and check everything that the contract would check of it.

    Args:
        boc: the envelope.
        operation: the one that this channel uses: ``CLIENT_CHARGE`` or ``WORKER_PAYOUT``.
        address: the receiver's own contract.
        public_key: the proxy's machine key.

    Raises:
        DecodeError: not an envelope, to the bit.
        PaymentError: for another operation or contract, or the signature does not verify.
    """
    outer = from_boc(boc, max_bytes=MAX_ENVELOPE_BYTES, max_cells=_ENVELOPE_CELLS)
    read = Reader(outer)
    outer_op, outer_id = read.uint(32), read.uint(64)
    excesses = read.address()
    signature = read.raw(SIGNATURE_BYTES)
    inner = read.ref()
    read.end()
    read = Reader(inner)
    inner_op, inner_id, tokens, target = read.uint(32), read.uint(64), read.uint(64), read.address()
    read.end()
    if tokens > MAX_TOKENS:
        raise DecodeError("token counter does not fit 63 bits")
    if outer_op != operation:
        raise PaymentError(f"payment is for operation {outer_op:#010x}, not {operation:#010x}")
    if (inner_op, inner_id) != (outer_op, outer_id):
        raise PaymentError("payment's envelope does not match what was signed")
    if target != address:
        raise PaymentError("payment is for another contract")
    public_key.verify(signature, inner.hash)
    return SignedPayment(outer_op, outer_id, tokens, target, signature, excesses, boc)


class PaymentReader:
    """Reads the envelopes of one channel; made for ``accounting.PaymentReceiver``.

    Args:
        operation: ``CLIENT_CHARGE`` or ``WORKER_PAYOUT``.
        address: the receiver's own contract.
        public_key: 32 bytes, the proxy's machine key.

    Raises:
        PaymentError: not a public key.
    """

    __slots__ = ("_address", "_operation", "_public_key")

    def __init__(self, operation: int, address: Address, public_key: bytes) -> None:
        self._operation = operation
        self._address = address
        self._public_key = PublicKey(public_key)

    def read(self, boc: bytes) -> SignedPayment:
        """Check one envelope; raises as :func:`read_payment`."""
        return read_payment(
            boc, operation=self._operation, address=self._address, public_key=self._public_key
        )

    def tokens(self, boc: bytes) -> int:
        """Check one envelope and return its counter; raises as :func:`read_payment`."""
        return self.read(boc).tokens


class PaymentWriter:
    """Signs the envelopes of one channel; made for ``accounting.ChannelSigner``.

    Args:
        key: the proxy's machine key.
        operation: ``CLIENT_CHARGE`` or ``WORKER_PAYOUT``.
        address: the client's or worker's contract.
        excesses: the proxy's wallet.
        next_query_id: draws a 64-bit number for each envelope.
    """

    __slots__ = ("_address", "_excesses", "_key", "_next_query_id", "_operation")

    def __init__(
        self,
        key: SecretKey,
        operation: int,
        *,
        address: Address,
        excesses: Address,
        next_query_id: Callable[[], int],
    ) -> None:
        self._key = key
        self._operation = operation
        self._address = address
        self._excesses = excesses
        self._next_query_id = next_query_id

    def envelope(self, tokens: int) -> bytes:
        """Sign this counter: BoC bytes; raises as :func:`sign_payment`."""
        return sign_payment(
            self._key,
            self._operation,
            query_id=self._next_query_id(),
            tokens=tokens,
            address=self._address,
            excesses=self._excesses,
        ).boc


def signed_envelope(inner: Cell, signature: bytes, excesses: Address) -> Cell:
    """The message body around a signed cell, which starts with operation and query id.

    Raises:
        DecodeError: the inner cell is too short.
    """
    read = Reader(inner)
    out = Builder().uint(read.uint(32), 32).uint(read.uint(64), 64)
    return out.address(excesses).raw(signature).ref(inner).cell()
