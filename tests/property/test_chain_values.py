import hypothesis.strategies as st
from hypothesis import given
from pytoniq_core import Builder as OtherBuilder
from pytoniq_core import Cell as OtherCell

from cocoon.chain import (
    CLIENT_CHARGE,
    EMPTY_CELL,
    WORKER_PAYOUT,
    Address,
    Cell,
    ContractParams,
    SecretKey,
    from_boc,
    load_pseudo_config,
    read_payment,
    sign_payment,
    to_boc,
)
from cocoon.chain.address import parse_with_flags
from cocoon.chain.keys import PublicKey
from cocoon.errors import CocoonError, ConfigError, DecodeError

accounts = st.binary(min_size=32, max_size=32).map(Address)


def _cells(children: st.SearchStrategy[Cell]) -> st.SearchStrategy[Cell]:
    return st.builds(
        lambda bits, data, refs: Cell(data & ((1 << bits) - 1), bits, refs),
        st.integers(0, 1023),
        st.integers(0, 2**1023 - 1),
        st.lists(children, max_size=4),
    )


cells = st.recursive(st.just(EMPTY_CELL), _cells, max_leaves=12)


def other(cell: Cell) -> OtherCell:
    out = OtherBuilder()
    if cell.bits:
        out.store_uint(cell.data, cell.bits)
    for ref in cell.refs:
        out.store_ref(other(ref))
    return out.end_cell()


@given(cells)
def test_cells_and_bags_agree_with_an_independent_library(cell: Cell) -> None:
    theirs = other(cell)
    assert cell.hash == theirs.hash
    assert from_boc(to_boc(cell)) == cell
    assert from_boc(theirs.to_boc(has_idx=True, hash_crc32=True)) == cell
    assert OtherCell.one_from_boc(to_boc(cell)).hash == cell.hash


@given(cells, st.data())
def test_damaged_bags_are_refused_or_are_another_bag(cell: Cell, data: st.DataObject) -> None:
    boc = bytearray(to_boc(cell))
    boc[data.draw(st.integers(0, len(boc) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        parsed = from_boc(bytes(boc))
    except DecodeError:
        return
    assert from_boc(to_boc(parsed)) == parsed


@given(accounts, st.booleans(), st.booleans())
def test_address_texts_round_trip(address: Address, testnet: bool, bounceable: bool) -> None:
    parsed = parse_with_flags(address.friendly(testnet=testnet, bounceable=bounceable))
    assert (parsed.address, parsed.test_only, parsed.bounceable) == (address, testnet, bounceable)
    assert Address.parse(address.raw()) == address


@given(st.text(max_size=80) | st.text("0123456789abcdef:-", max_size=70))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = Address.parse(text)
    except DecodeError:
        return
    assert Address.parse(address.raw()) == address


uint32 = st.integers(0, 2**32 - 1)
coins = st.integers(0, 2**64 - 1)


@given(
    st.builds(
        ContractParams,
        struct_version=st.integers(0, 3),
        params_version=uint32,
        unique_id=uint32,
        is_test=st.booleans(),
        price_per_token=coins,
        worker_fee_per_token=coins,
        prompt_multiplier=uint32,
        cached_multiplier=uint32,
        completion_multiplier=uint32,
        reasoning_multiplier=uint32,
        proxy_delay_before_close=uint32,
        client_delay_before_close=uint32,
        min_proxy_stake=coins,
        min_client_stake=coins,
    ),
    st.sampled_from([0, 6, 7]),
)
def test_params_cells_round_trip(params: ContractParams, mask: int) -> None:
    cell = params.cell(mask)
    read = ContractParams.from_cell(cell)
    assert read.cell(mask) == cell
    if params.struct_version == 3 and mask == 7:
        assert read == params


@given(
    seed=st.binary(min_size=32, max_size=32),
    operation=st.sampled_from([CLIENT_CHARGE, WORKER_PAYOUT]),
    query_id=st.integers(0, 2**64 - 1),
    tokens=st.integers(0, 2**63 - 1),
    address=accounts,
    excesses=accounts,
    data=st.data(),
)
def test_payments_verify_and_damaged_ones_do_not(
    seed: bytes,
    operation: int,
    query_id: int,
    tokens: int,
    address: Address,
    excesses: Address,
    data: st.DataObject,
) -> None:
    key = SecretKey(seed)
    public = PublicKey(key.public_key)
    signed = sign_payment(
        key, operation, query_id=query_id, tokens=tokens, address=address, excesses=excesses
    )
    read = read_payment(signed.boc, operation=operation, address=address, public_key=public)
    assert read == signed
    damaged = bytearray(signed.boc)
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        other_payment = read_payment(
            bytes(damaged), operation=operation, address=address, public_key=public
        )
    except CocoonError:
        return
    # Only what is not signed may differ.
    assert (other_payment.tokens, other_payment.query_id) == (tokens, query_id)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
fields = st.sampled_from(
    [
        *("proxy_hashes", "model_types", "registered_proxies", "version", "price_per_token"),
        *("proxy_sc_code", "root_owner_address", "params_version", "unknown"),
    ]
)


@given(st.dictionaries(fields, json_values))
def test_any_json_is_a_configuration_or_refused(value: dict[str, object]) -> None:
    import msgspec

    try:
        root = load_pseudo_config(msgspec.json.encode(value))
    except ConfigError:
        return
    root.proxy_address(Address(bytes(32)), bytes(32))
