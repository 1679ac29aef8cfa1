"""Key files: any password opens what it sealed; any change is refused."""

import hypothesis.strategies as st
from hypothesis import given, settings

from cocoon.chain import SecretKey
from cocoon.chain.keystore import MIN_COST, Keystore, parse_keystore
from cocoon.errors import ConfigError

PASSWORD = "a password"
SEALED = Keystore.seal(SecretKey(bytes([7]) * 32), PASSWORD, cost=MIN_COST)
CONTENT = SEALED.to_bytes()


@settings(max_examples=8)  # each example costs two derivations
@given(st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=40))
def test_what_is_sealed_opens(seed: bytes, password: str) -> None:
    sealed = Keystore.seal(SecretKey(seed), password, cost=MIN_COST)
    read = parse_keystore(sealed.to_bytes())
    assert read == sealed
    assert read.open(password).public_key == SecretKey(seed).public_key


@settings(max_examples=25)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_file_is_refused_or_means_the_same(index: int, change: int) -> None:
    data = bytearray(CONTENT)
    data[index] ^= change
    try:
        read = parse_keystore(bytes(data))
        if read != SEALED:  # the case of a hex digit or white space changes nothing
            read.open(PASSWORD)
            raise AssertionError("a changed key file opens")
    except ConfigError:
        pass


@given(st.binary(max_size=600) | st.text(max_size=300).map(lambda text: text.encode("utf-8")))
def test_any_bytes_are_a_key_file_or_refused(data: bytes) -> None:
    try:
        parse_keystore(data)
    except ConfigError:
        return
    raise AssertionError("no such file was ever written")
