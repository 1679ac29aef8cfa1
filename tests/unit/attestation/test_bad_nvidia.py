"""The catalogue of bad GPU evidence and collateral."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.attestation.claims import ClaimName, Verdict
from cocoon.attestation.evidence.nvidia import GpuRequirement, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateral, GpuCollateralBook

DATA = json.loads(
    (Path(__file__).parents[3] / "vectors" / "attestation" / "bad_nvidia.json").read_text()
)
NONCE = bytes.fromhex(DATA["nonce"])
ROOT = base64.b64decode(DATA["root"])
CASES: list[dict[str, Any]] = DATA["cases"]
PARSED: dict[tuple[str, str], GpuCollateral] = {}


def book(name: str) -> GpuCollateralBook:
    pieces = []
    for piece in DATA["collateral"][name]:
        id_ = (piece["key"], piece["data"])
        if id_ not in PARSED:
            data = base64.b64decode(DATA["blobs"][piece["data"]])
            PARSED[id_] = GpuCollateral.from_answer(piece["key"], data)
        pieces.append(PARSED[id_])
    return GpuCollateralBook(*pieces)


def evidence(name: str) -> bytes:
    return base64.b64decode(DATA["evidence"][name])


def run(case: dict[str, Any]) -> None:
    given = case["input"]
    if case["kind"] == "answer":
        GpuCollateral.from_answer(given["key"], base64.b64decode(given["data"]))
    elif case["kind"] == "requirement":
        allowed = given.get("architectures")
        requirement = GpuRequirement(
            given["count"],
            book(given["collateral"]),
            simulated_root=ROOT,
            architectures=None if allowed is None else frozenset(allowed),
            min_driver=given.get("min_driver"),
        )
        requirement.check([evidence(name) for name in given["items"]], NONCE, given["now"])
    else:
        root = ROOT if given["root"] == "simulated" else None
        item, now = evidence(given["evidence"]), given["now"]
        found = verify_gpu(item, NONCE, book(given["collateral"]), now, simulated_root=root)
        assert found.simulated
        assert [(c.name, c.verdict) for c in found.claims] == [
            (ClaimName.GPU_GENUINE, Verdict.REFUTED)
        ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_case(case: dict[str, Any]) -> None:
    if case["expect"] == "ok":
        run(case)
        return
    expected = getattr(errors, case["expect"])
    with pytest.raises(expected) as error:
        run(case)
    assert type(error.value) is expected
    assert str(error.value).startswith(case["layer"]), str(error.value)


def test_every_layer_is_in_the_catalogue() -> None:
    layers = Counter(case["layer"] for case in CASES)
    for layer, least in {
        "GPU evidence": 8,
        "GPU report": 20,
        "GPU certificate": 20,
        "GPU OCSP": 15,
        "GPU RIM": 25,
        "GPU measurements": 4,
        "GPU mode": 3,
        "GPU collateral": 5,
    }.items():
        assert layers[layer] >= least, layer
    assert len({case["name"] for case in CASES}) == len(CASES)
