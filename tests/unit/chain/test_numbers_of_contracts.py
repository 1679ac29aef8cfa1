"""The numbers in our contracts' sources are those that the tools know."""

import re
from pathlib import Path

import pytest

from cocoon.chain import exit_codes, opcodes

SOURCES = sorted((Path(__file__).parents[3] / "contracts").glob("*/*.tolk"))
OPERATIONS = {value for name, value in vars(opcodes).items() if name.isupper()}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_operations_and_exit_codes_are_known(path: Path) -> None:
    text = path.read_text("utf-8")
    operations = {int(found, 16) for found in re.findall(r"struct \(0x([0-9a-fA-F]{8})\)", text)}
    assert operations <= OPERATIONS
    codes = {int(found) for found in re.findall(r"const ERROR_\w+ = (\d+)", text)}
    assert codes <= exit_codes.EXIT_CODES.keys()


def test_the_sources_are_there() -> None:
    assert len(SOURCES) > 20


def test_exit_codes_are_explained() -> None:
    assert exit_codes.describe(0) == exit_codes.describe(1) == "ok"
    assert "owner" in exit_codes.describe(exit_codes.NOT_OWNER)
    assert exit_codes.describe(4711) == "exit code 4711"
    assert exit_codes.describe_action(0) == "ok"
    assert "not enough TON" in exit_codes.describe_action(37)
    for entry in exit_codes.EXIT_CODES.values():
        assert entry.meaning
        assert entry.advice
