import json
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.chain import Address, Cell, ContractParams, SecretKey, from_boc, sign_payment, to_boc
from cocoon.chain.address import parse_with_flags
from cocoon.chain.cells import Builder
from cocoon.chain.contracts.client import client_const, client_data
from cocoon.chain.contracts.payment import inner_cell, read_payment
from cocoon.chain.contracts.proxy import proxy_data, save_state_body
from cocoon.chain.contracts.wallet import wallet_address, wallet_data
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.keys import PublicKey
from cocoon.chain.root_config import RootConfig

VECTORS = Path(__file__).parents[3] / "vectors" / "chain"


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


CONTRACTS = load("contracts.json")
PAYMENTS = load("payments.json")
PUBLIC_KEY = bytes.fromhex(CONTRACTS["public_key"])


def network(struct_version: int) -> ContractParams:
    codes = {f"{name}_code": Cell(int(code, 16), 16) for name, code in CONTRACTS["codes"].items()}
    return ContractParams(struct_version=struct_version, **CONTRACTS["params"], **codes)


def address(text: str) -> Address:
    return Address.parse(text)


def build(vector: dict[str, Any]) -> Cell | Address:
    given = vector["input"]
    params = network(given.get("struct_version", 3))
    root = RootConfig(address(given.get("root", "0:" + "22" * 32)), 1, params)
    owner = address(given["owner"]) if "owner" in given else Address(bytes(32))
    proxy = address(given["proxy"]) if "proxy" in given else Address(bytes(32))
    match vector["object"]:
        case "params":
            return params.cell(given["mask"])
        case "proxy_data":
            return proxy_data(params, owner, PUBLIC_KEY, root.address)
        case "proxy_address":
            return root.proxy_address(owner, PUBLIC_KEY)
        case "client_const":
            return client_const(owner, proxy, PUBLIC_KEY)
        case "client_data":
            return client_data(params, owner, proxy, PUBLIC_KEY)
        case "client_address":
            return root.client_address(owner, proxy, PUBLIC_KEY)
        case "worker_data":
            return worker_data(params, owner, proxy, PUBLIC_KEY)
        case "worker_address":
            return root.worker_address(owner, proxy, PUBLIC_KEY)
        case "wallet_data":
            return wallet_data(owner, PUBLIC_KEY)
        case "wallet_address":
            return wallet_address(owner, PUBLIC_KEY)
        case "save_state":
            session = bytes.fromhex(given["session_hash"])
            return save_state_body(given["query_id"], given["seqno"], session)
    raise AssertionError(vector["object"])


@pytest.mark.parametrize("vector", CONTRACTS["vectors"], ids=lambda vector: vector["name"])
def test_contract_data_and_addresses(vector: dict[str, Any]) -> None:
    built = build(vector)
    if isinstance(built, Address):
        assert built.raw() == vector["address"]
    else:
        assert (built.bits, built.hash.hex()) == (vector["bits"], vector["hash"])


@pytest.mark.parametrize("struct_version", [0, 1, 2, 3])
@pytest.mark.parametrize("mask", [0, 6, 7])
def test_params_read_back_as_the_same_cell(struct_version: int, mask: int) -> None:
    cell = network(struct_version).cell(mask)
    assert ContractParams.from_cell(cell).cell(mask) == cell


GOOD = PAYMENTS["payment"]
OPERATION = int(GOOD["operation"], 16)


def signed_payment(**changes: Any) -> Any:
    fields = {
        "query_id": int(GOOD["query_id"], 16),
        "tokens": GOOD["tokens"],
        "address": address(GOOD["address"]),
        "excesses": address(GOOD["excesses"]),
    } | changes
    return sign_payment(SecretKey(bytes.fromhex(PAYMENTS["seed"])), OPERATION, **fields)


def altered_boc(change: dict[str, Any]) -> bytes:
    """The good envelope with one thing changed, as a hostile proxy could send it."""
    payment = signed_payment()
    inner = inner_cell(OPERATION, payment.query_id, payment.tokens, payment.address)
    if "tokens" in change:
        inner = inner_cell(OPERATION, payment.query_id, change["tokens"], payment.address)
    if "extra_inner_bits" in change:
        inner = Cell(inner.data << 1, inner.bits + 1)
    if "inner_workchain" in change:
        inner = Cell(inner.data | change["inner_workchain"] << 256, inner.bits)
    signature = bytearray(payment.signature)
    if "signature_bit" in change:
        signature[0] ^= 1 << change["signature_bit"]
    out = Builder().uint(int(change.get("outer_operation", GOOD["operation"]), 16), 32)
    out.uint(change.get("outer_query_id", payment.query_id), 64).address(payment.excesses)
    out.raw(bytes(signature)).uint(0, change.get("extra_outer_bits", 0)).ref(inner)
    if "extra_ref" in change:
        out.ref(inner)
    boc = to_boc(out.cell())
    if "replace" in change:
        boc = bytes.fromhex(change["replace"])
    return boc[: len(boc) - change.get("cut", 0)] + bytes.fromhex(change.get("append", ""))


@pytest.mark.parametrize("vector", PAYMENTS["vectors"], ids=lambda vector: vector["name"])
def test_payments(vector: dict[str, Any]) -> None:
    payment = signed_payment()
    match vector["object"]:
        case "inner":
            cell = inner_cell(OPERATION, payment.query_id, payment.tokens, payment.address)
            assert (cell.bits, cell.hash.hex()) == (vector["bits"], vector["hash"])
        case "signature":
            assert payment.signature.hex() == vector["value"]
        case "envelope":
            cell = from_boc(payment.boc)
            assert (cell.bits, cell.hash.hex()) == (vector["bits"], vector["hash"])
        case "refused":
            change = vector["change"]
            key = SecretKey(bytes(32)).public_key if "public_key" in change else PUBLIC_KEY
            with pytest.raises(getattr(errors, vector["expect"])):
                read_payment(
                    altered_boc(change),
                    operation=int(change.get("operation", GOOD["operation"]), 16),
                    address=address(change.get("address", GOOD["address"])),
                    public_key=PublicKey(key),
                )
        case _:
            raise AssertionError(vector["object"])


@pytest.mark.parametrize("vector", load("boc.json")["vectors"], ids=lambda vector: vector["name"])
def test_bags_of_cells(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["input"])
    if vector["expect"] != "ok":
        with pytest.raises(getattr(errors, vector["expect"])):
            from_boc(data)
        return
    cell = from_boc(data)
    assert (cell.bits, len(cell.refs), cell.hash.hex()) == (
        vector["bits"],
        vector["refs"],
        vector["hash"],
    )


@pytest.mark.parametrize(
    "vector", load("addresses.json")["vectors"], ids=lambda vector: vector["name"]
)
def test_address_texts(vector: dict[str, Any]) -> None:
    if vector["expect"] != "ok":
        with pytest.raises(getattr(errors, vector["expect"])):
            parse_with_flags(vector["input"])
        return
    parsed = parse_with_flags(vector["input"])
    assert (parsed.bounceable, parsed.test_only) == (vector["bounceable"], vector["test_only"])
    if "raw" in vector:
        assert parsed.address.raw() == vector["raw"]
