"""Approvals against ``vectors/sealing/approvals.json``, signed by other code."""

import json
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.key_manager.approval import Approval, ApprovalRules, check_signatures
from cocoon.key_manager.grants import root_marker

FILE = Path(__file__).parents[3] / "vectors" / "sealing" / "approvals.json"
VECTORS = json.loads(FILE.read_text())
RULES = ApprovalRules(frozenset(map(bytes.fromhex, VECTORS["owners"])), VECTORS["threshold"])


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_approvals(case: Any) -> None:
    approval = Approval.from_json(json.dumps(case["document"]).encode())
    assert approval.statement().hex() == case["statement"]
    assert json.loads(approval.to_json()) == case["document"]
    if case["expect"] == "ok":
        check_signatures(approval, RULES)
        return
    with pytest.raises(getattr(errors, case["expect"])):
        check_signatures(approval, RULES)


def test_the_marker() -> None:
    case = VECTORS["root_marker"]
    assert root_marker(bytes.fromhex(case["image_hash"])).hex() == case["marker"]
