"""The file of payments that proxies signed."""

import json
from pathlib import Path

import pytest

from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE
from cocoon.chain.keys import SecretKey
from cocoon.errors import StoreError
from cocoon.net import payment_book
from cocoon.net.payment_book import PaymentBook, PaymentChannel
from cocoon.wire.events import PaymentUpdated

CONTRACT, PROXY = Address(bytes([1]) * 32), Address(bytes([2]) * 32)
KEY = SecretKey(bytes([3]) * 32).public_key


@pytest.mark.parametrize("envelope", ["é", "=", "????", "QUJD"])
def test_an_envelope_that_is_none_is_a_damaged_file(tmp_path: Path, envelope: str) -> None:
    path = tmp_path / "payments.json"
    entry = {"proxy": PROXY.raw(), "public_key": KEY.hex(), "signed": 1, "db": 1, "max": 1}
    channels = {CONTRACT.raw(): {**entry, "envelope": envelope}}
    path.write_text(json.dumps({"version": 1, "channels": channels}))
    with pytest.raises(StoreError, match="does not verify"):
        PaymentBook(CLIENT_CHARGE, path).open(proxy=PROXY, contract=CONTRACT, public_key=KEY)


def test_a_proxy_of_many_keys_does_not_fill_memory_or_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes up a new key for each connection has a new contract with us each time."""
    monkeypatch.setattr(payment_book, "MAX_CHANNELS", 3)
    path = tmp_path / "payments.json"
    book = PaymentBook(CLIENT_CHARGE, path)

    def meet(number: int) -> PaymentChannel:
        contract = Address(number.to_bytes(32, "big"))
        return book.open(proxy=PROXY, contract=contract, public_key=KEY)

    kept = meet(0)
    kept.begin(PaymentUpdated(None, None, 0, 5))
    meet(1)
    meet(2)
    with pytest.raises(StoreError, match="too many"):
        meet(3)
    assert meet(0) is kept
    book.save()
    assert list(json.loads(path.read_text())["channels"]) == [kept.contract.raw()]
