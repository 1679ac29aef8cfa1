"""Any bytes as a signed payment: refused, unless the signed part is the one genuine payment.

The first byte chooses: even, the rest is the envelope; odd, the rest is laid over a genuine one.
"""

from cocoon.chain import CLIENT_CHARGE, Address, SecretKey, read_payment, sign_payment
from cocoon.chain.keys import PublicKey
from cocoon.errors import DecodeError, PaymentError

_KEY = SecretKey(bytes([7]) * 32)
_PUBLIC = PublicKey(_KEY.public_key)
_CONTRACT = Address(bytes([1]) * 32)
_GENUINE = sign_payment(
    _KEY,
    CLIENT_CHARGE,
    query_id=1,
    tokens=1000,
    address=_CONTRACT,
    excesses=Address(bytes([2]) * 32),
)


def fuzz_one(data: bytes) -> None:
    boc = data[1:]
    if data[:1] and data[0] & 1:
        genuine = _GENUINE.boc
        boc = bytes(
            byte ^ (boc[index] if index < len(boc) else 0) for index, byte in enumerate(genuine)
        )
    try:
        payment = read_payment(boc, operation=CLIENT_CHARGE, address=_CONTRACT, public_key=_PUBLIC)
    except (DecodeError, PaymentError):
        return
    if (payment.tokens, payment.query_id) != (_GENUINE.tokens, _GENUINE.query_id):
        raise AssertionError("a payment that nobody signed was accepted")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
