"""What a client remembers of its money."""

from pathlib import Path

import pytest

from cocoon.chain.address import Address
from cocoon.client.chain import records as module
from cocoon.client.chain.limits import DAY, DepositLimits
from cocoon.client.chain.records import Intent, Records
from cocoon.client.chain.secret import SECRET_NAME, Secrets
from cocoon.errors import ConfigError, StoreError

CONTRACT, PROXY = Address(bytes([1]) * 32), Address(bytes([2]) * 32)
KEY = bytes([3]) * 32
NOW = 1_800_000_000


def noted(directory: Path | None) -> Records:
    records = Records(directory)
    records.note(CONTRACT, proxy=PROXY, proxy_key=KEY, params_version=4)
    return records


def test_an_intent_is_on_disk_before_its_message_leaves(tmp_path: Path) -> None:
    records = noted(tmp_path)
    record = records.get(CONTRACT)
    assert record is not None
    records.begin(record, Intent(77, 10, 5), NOW)
    again = Records(tmp_path).get(CONTRACT)
    assert again is not None
    assert again.intent == Intent(77, 10, 5)
    assert (again.proxy, again.proxy_key, again.params_version) == (PROXY.raw(), KEY.hex(), 4)


def test_an_intent_that_cannot_be_saved_is_none(tmp_path: Path) -> None:
    records = noted(tmp_path / "state")
    record = records.get(CONTRACT)
    assert record is not None
    (tmp_path / "state" / module.RECORDS_NAME).unlink()
    (tmp_path / "state").rmdir()
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError):
        records.begin(record, Intent(77, 10, 5), NOW)
    assert record.intent is None
    assert records.deposited(NOW) == (0, 0)


def test_deposits_count_for_a_day_and_for_ever(tmp_path: Path) -> None:
    records = noted(tmp_path)
    record = records.get(CONTRACT)
    assert record is not None
    for number, (paid, automatic) in enumerate([(True, True), (False, True), (True, False)]):
        records.begin(record, Intent(number, 10**number, 0, automatic=automatic), NOW)
        records.end(record, paid=paid)
    assert records.deposited(NOW) == (11, 1)  # a lying server may say that it has failed
    assert Records(tmp_path).deposited(NOW + DAY - 1) == (11, 1)
    assert Records(tmp_path).deposited(NOW + DAY) == (0, 1)
    records.begin(record, Intent(3, 1000, 0), NOW)
    records.end(record, paid=False, signed=False)
    assert records.deposited(NOW) == (11, 1)


def test_many_deposits_are_kept_as_a_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DEPOSITS", 3)
    records = noted(None)
    record = records.get(CONTRACT)
    assert record is not None
    for number in range(10):
        records.begin(record, Intent(number, 1, 0), NOW)
        records.end(record, paid=True)
    assert records.deposited(NOW + DAY) == (0, 10)
    assert len(records._file.deposits) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"version":1}',
        b'{"version":2,"contracts":{},"deposits":[]}',
        b'{"version":1,"contracts":{"0:zz":{"proxy":"","proxy_key":"","params_version":1}},'
        b'"deposits":[]}',
    ],
)
def test_a_damaged_file_stops_the_client(tmp_path: Path, content: bytes) -> None:
    (tmp_path / module.RECORDS_NAME).write_bytes(content)
    with pytest.raises(StoreError):
        Records(tmp_path)


def test_each_contract_has_its_own_secret(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    one, other = secrets.of(CONTRACT.account), secrets.of(PROXY.account)
    assert one != other
    assert len(one) == 64
    assert Secrets(tmp_path).of(CONTRACT.account) == one
    assert (tmp_path / SECRET_NAME).stat().st_mode & 0o777 == 0o600
    assert one.decode() not in repr(secrets)
    assert Secrets(None).of(CONTRACT.account) != one
    assert Secrets(tmp_path, b"fixed").of(CONTRACT.account) == b"fixed"
    (tmp_path / SECRET_NAME).write_bytes(b"short")
    with pytest.raises(StoreError, match="damaged"):
        Secrets(tmp_path)


@pytest.mark.parametrize("name", ["deposit", "threshold", "max_per_day", "max_total"])
def test_negative_limits_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        DepositLimits(**{name: -1})
