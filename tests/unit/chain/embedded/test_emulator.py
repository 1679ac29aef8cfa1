"""The emulator under wasmtime against the same emulator under Node: bit-identical results."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cocoon.chain import Address, Builder, from_boc, to_boc
from cocoon.chain.embedded.emulator import Emulator, shared_emulator
from cocoon.errors import ChainError

VECTORS = json.loads(
    (Path(__file__).parents[4] / "vectors/chain/emulator/vectors.json").read_text()
)
CONFIG = base64.b64decode(VECTORS["config"])
SEED = bytes(32)


@pytest.fixture(scope="module")
def emulator() -> Emulator:
    return shared_emulator()


def run(emulator: Emulator, vector: dict[str, Any], **changes: Any) -> Any:
    arguments = {
        "account": base64.b64decode(vector["account"]),
        "message": base64.b64decode(vector["message"]),
        "config": CONFIG,
        "now": vector["now"],
        "lt": int(vector["lt"]),
        "seed": bytes.fromhex(vector["seed"]),
        "libraries": base64.b64decode(vector["libraries"]),
    } | changes
    return emulator.transaction(arguments.pop("account"), arguments.pop("message"), **arguments)


def test_config_is_the_one_of_the_recording(emulator: Emulator) -> None:
    assert emulator.default_config == CONFIG


@pytest.mark.parametrize("number", range(len(VECTORS["transactions"])))
def test_transaction_is_bit_identical(emulator: Emulator, number: int) -> None:
    vector = VECTORS["transactions"][number]
    outcome = run(emulator, vector)
    assert outcome.success == vector["success"]
    assert outcome.error == vector["error"]
    assert outcome.vm_exit_code == vector["exit_code"]
    if vector["success"]:
        assert from_boc(outcome.transaction).hash.hex() == vector["transaction"]
        assert from_boc(outcome.shard_account).hash.hex() == vector["shard_account"]


@pytest.mark.parametrize("number", range(len(VECTORS["methods"])))
def test_get_method_is_bit_identical(emulator: Emulator, number: int) -> None:
    vector = VECTORS["methods"][number]
    outcome = emulator.run_method(
        code=base64.b64decode(vector["code"]),
        data=base64.b64decode(vector["data"]),
        method_id=vector["method_id"],
        stack=base64.b64decode(vector["stack"]),
        address=Address.parse(vector["address"]),
        balance=int(vector["balance"]),
        config=CONFIG,
        now=vector["now"],
        seed=bytes.fromhex(vector["seed"]),
        libraries=base64.b64decode(vector["libraries"]),
        gas_limit=int(vector["gas_limit"]),
    )
    assert outcome.success == vector["success"]
    assert outcome.vm_exit_code == vector["exit_code"]
    assert outcome.gas_used == vector["gas_used"]
    assert from_boc(outcome.stack).hash.hex() == vector["result"]


@pytest.mark.parametrize(
    "garbage", [b"", b"\0", b"\xb5\xee\x9c\x72", bytes(1000), b"\xff" * 70_000]
)
@pytest.mark.parametrize("argument", ["account", "message", "config", "libraries"])
def test_malformed_input_is_an_error_and_the_next_call_works(
    emulator: Emulator, argument: str, garbage: bytes
) -> None:
    vector = VECTORS["transactions"][3]
    try:
        outcome = run(emulator, vector, **{argument: garbage})
    except ChainError:
        pass
    else:
        # No libraries is no error.
        assert not outcome.success or (argument == "libraries" and not garbage)
    again = run(emulator, vector)
    assert from_boc(again.transaction).hash.hex() == vector["transaction"]


def test_after_a_trap_a_new_instance_serves(emulator: Emulator) -> None:
    mine = Emulator()
    vector = VECTORS["transactions"][3]
    run(mine, vector)
    machine = mine._machine
    ask = machine.ask
    machine.ask = lambda *arguments: machine.call("_free", 12345)  # it never allocated that
    with pytest.raises(ChainError, match="crashed"):
        run(mine, vector)
    machine.ask = ask
    assert from_boc(run(mine, vector).transaction).hash.hex() == vector["transaction"]


def test_closed_emulator_says_so() -> None:
    mine = Emulator()
    mine.close()
    mine.close()
    with pytest.raises(ChainError, match="closed"):
        run(mine, VECTORS["transactions"][3])


def test_process_ends_without_noise() -> None:
    code = "from cocoon.testing.chain import memory_chain; chain = memory_chain(); print(chain.now)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1800000000"
    assert done.stderr == ""


def test_deep_and_large_cells_do_not_kill_the_process(emulator: Emulator) -> None:
    cell = Builder().cell()
    for _ in range(1000):
        cell = Builder().uint(1, 8).ref(cell).cell()
    vector = VECTORS["methods"][0]
    outcome = emulator.run_method(
        code=to_boc(cell),
        data=to_boc(cell),
        method_id=1,
        stack=base64.b64decode(vector["stack"]),
        address=Address(bytes(32)),
        balance=0,
        config=CONFIG,
        now=vector["now"],
        seed=SEED,
    )
    assert outcome.vm_exit_code != 0


def test_version_is_that_of_the_pins(emulator: Emulator) -> None:
    pins = json.loads(
        (Path(__file__).parents[4] / "src/cocoon/chain/embedded/emulator.json").read_text()
    )
    assert emulator.version()["emulatorLibCommitHash"] == pins["ton_commit"]
