import pytest

from cocoon.chain import CLIENT_CHARGE, WORKER_PAYOUT, Address, PaymentReader, PaymentWriter
from cocoon.chain.contracts.payment import inner_cell, read_payment, sign_payment
from cocoon.chain.keys import PublicKey, SecretKey
from cocoon.errors import DecodeError, PaymentError

KEY = SecretKey(bytes([7]) * 32)
CONTRACT = Address(bytes([1]) * 32)
WALLET = Address(bytes([2]) * 32)


def writer(operation: int = WORKER_PAYOUT) -> PaymentWriter:
    return PaymentWriter(
        KEY, operation, address=CONTRACT, excesses=WALLET, next_query_id=lambda: 2**64 - 1
    )


def test_reader_accepts_what_the_writer_signed() -> None:
    boc = writer().envelope(1234)
    payment = PaymentReader(WORKER_PAYOUT, CONTRACT, KEY.public_key).read(boc)
    assert (payment.tokens, payment.query_id) == (1234, 2**64 - 1)
    assert (payment.address, payment.excesses, payment.boc) == (CONTRACT, WALLET, boc)


def test_reader_of_a_client_refuses_a_payout() -> None:
    reader = PaymentReader(CLIENT_CHARGE, CONTRACT, KEY.public_key)
    with pytest.raises(PaymentError, match="operation"):
        reader.tokens(writer().envelope(1))


def test_repacking_changes_the_receiver_of_excesses_only() -> None:
    mine = Address(bytes([3]) * 32)
    public = PublicKey(KEY.public_key)
    boc = writer().envelope(5)
    signed = read_payment(boc, operation=WORKER_PAYOUT, address=CONTRACT, public_key=public)
    again = read_payment(
        signed.repack(mine).boc, operation=WORKER_PAYOUT, address=CONTRACT, public_key=public
    )
    assert again.excesses == mine
    assert (again.tokens, again.signature) == (signed.tokens, signed.signature)


def test_repacked_envelope_keeps_the_signed_cell() -> None:
    signed = sign_payment(
        KEY, CLIENT_CHARGE, query_id=1, tokens=2, address=CONTRACT, excesses=WALLET
    )
    PublicKey(KEY.public_key).verify(
        signed.signature, inner_cell(CLIENT_CHARGE, 1, 2, CONTRACT).hash
    )
    assert signed.repack(WALLET).boc == signed.boc


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tokens": -1}, PaymentError),
        ({"tokens": 2**63}, PaymentError),
        ({"query_id": -1}, DecodeError),
        ({"query_id": 2**64}, DecodeError),
        ({"operation": 0x636A4391}, PaymentError),
    ],
)
def test_what_cannot_be_signed(changes: dict[str, int], error: type[Exception]) -> None:
    fields = {"operation": CLIENT_CHARGE, "query_id": 1, "tokens": 2} | changes
    operation = fields.pop("operation")
    with pytest.raises(error):
        sign_payment(KEY, operation, **fields, address=CONTRACT, excesses=WALLET)


def test_reader_refuses_a_bad_key_at_once() -> None:
    with pytest.raises(PaymentError, match="public key"):
        PaymentReader(CLIENT_CHARGE, CONTRACT, b"short")
