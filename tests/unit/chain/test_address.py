import pytest
from pytoniq_core import Address as OtherAddress

from cocoon.chain import Address
from cocoon.chain.address import parse_with_flags
from cocoon.errors import DecodeError

ADDRESS = Address(bytes(range(32)))


@pytest.mark.parametrize("testnet", [False, True])
@pytest.mark.parametrize("bounceable", [False, True])
def test_friendly_forms_agree_with_an_independent_library(testnet: bool, bounceable: bool) -> None:
    text = ADDRESS.friendly(testnet=testnet, bounceable=bounceable)
    assert text == OtherAddress((0, ADDRESS.account)).to_str(
        is_user_friendly=True,
        is_url_safe=True,
        is_bounceable=bounceable,
        is_test_only=testnet,
    )
    parsed = parse_with_flags(text)
    assert (parsed.address, parsed.bounceable, parsed.test_only) == (ADDRESS, bounceable, testnet)


def test_prefixes_of_the_wire_form() -> None:
    assert ADDRESS.friendly(testnet=False).startswith("UQ")
    assert ADDRESS.friendly(testnet=True).startswith("0Q")


def test_contract_addresses_must_be_in_the_wire_form() -> None:
    assert Address.parse_contract(ADDRESS.friendly(testnet=True), testnet=True) == ADDRESS
    for text in (
        ADDRESS.raw(),
        ADDRESS.friendly(testnet=True, bounceable=True),
        ADDRESS.friendly(testnet=False),
    ):
        with pytest.raises(DecodeError, match="non-bounceable"):
            Address.parse_contract(text, testnet=True)


def test_an_account_has_32_bytes() -> None:
    with pytest.raises(DecodeError):
        Address(bytes(31))


def test_masterchain_friendly_form_is_refused() -> None:
    text = OtherAddress((-1, ADDRESS.account)).to_str()
    with pytest.raises(DecodeError, match="workchain -1"):
        Address.parse(text)


def test_every_single_character_change_is_noticed() -> None:
    text = ADDRESS.friendly(testnet=False)
    for position in range(len(text)):
        other = "A" if text[position] != "A" else "B"
        with pytest.raises(DecodeError):
            Address.parse(text[:position] + other + text[position + 1 :])
