"""The file of payments that proxies signed."""

import json
from pathlib import Path

import pytest

from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE
from cocoon.chain.keys import SecretKey
from cocoon.errors import StoreError
from cocoon.net.payment_book import PaymentBook

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
