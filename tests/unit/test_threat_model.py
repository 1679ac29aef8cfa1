"""The threat model names tests that exist, and every row names one or says why there is none."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PAGE = ROOT / "docs" / "security" / "threat-model.md"
HEADER = ["#", "attack", "what stands against it", "what it proves", "what it cannot", "test"]
NUMBER = re.compile(r"[A-Z][0-9]+")
REFERENCE = re.compile(r"`([A-Za-z0-9_/]+\.py)::([A-Za-z0-9_]+(?:::[A-Za-z0-9_]+)?)`")
NOT_TESTED = re.compile(r"not tested: \S.{10,}")
OFFICIAL_WEAKNESSES = 14
"""Rows of ``attestation.md`` §12, each of which the page answers."""


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def tables() -> list[list[list[str]]]:
    """Every table of the page: its rows, header first, without the line of dashes."""
    found: list[list[list[str]]] = [[]]
    for line in PAGE.read_text().splitlines():
        if line.startswith("|"):
            found[-1].append(cells(line))
        elif found[-1]:
            found.append([])
    return [[row for row in table if set("".join(row)) - set("-: ")] for table in found if table]


def threats() -> list[list[str]]:
    return [row for table in tables() if table[0][0] == "#" for row in table[1:]]


@cache
def names_in(path: str) -> frozenset[str]:
    """Names of the tests in a file: functions, and ``Class::method``."""
    module = ast.parse((TESTS / path).read_text())
    names = set()
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            names |= {
                f"{node.name}::{item.name}" for item in node.body if isinstance(item, functions)
            }
    return frozenset(name for name in names if name.split("::")[-1].startswith("test"))


def test_every_table_of_threats_has_the_six_columns() -> None:
    numbered = [table for table in tables() if table[0][0] == "#"]
    assert len(numbered) >= 10
    for table in numbered:
        assert table[0] == HEADER
        for row in table[1:]:
            assert len(row) == len(HEADER), row
            assert all(row), row


def test_numbers_are_unique() -> None:
    numbers = [row[0] for row in threats()]
    assert all(NUMBER.fullmatch(number) for number in numbers)
    assert sorted(set(numbers)) == sorted(numbers)


def test_all_weaknesses_of_the_official_system_are_answered() -> None:
    official = [row[0] for row in threats() if row[0].startswith("O")]
    assert official == [f"O{number}" for number in range(1, OFFICIAL_WEAKNESSES + 1)]


@pytest.mark.parametrize("row", threats(), ids=lambda row: row[0])
def test_a_row_names_tests_that_exist(row: list[str]) -> None:
    named = REFERENCE.findall(row[-1])
    assert named or NOT_TESTED.search(row[-1]), "neither a test nor a reason"
    assert row[-1].count("::") == sum(1 + name.count("::") for _, name in named), "malformed name"
    for path, name in named:
        assert (TESTS / path).is_file(), path
        assert name in names_in(path), f"{path} has no {name}"


def test_tests_that_the_text_names_exist() -> None:
    for path, name in REFERENCE.findall(PAGE.read_text()):
        assert name in names_in(path), f"{path} has no {name}"
