"""Hashes are whole on terminals of any width, for people copy them."""

import pytest

from cocoon.attestation.report import Layer, Report
from cocoon.cli import layout
from cocoon.cli.attest.verdict import Verdict
from cocoon.cli.attest.view import View

HASH = "5c40aceb386e4981785eb1451087fb4fad6fae37e490380ffb48cfeb665241f5"
REGISTER = HASH + HASH[:32]


@pytest.mark.parametrize("width", [1, 40, 80, 200])
def test_values_are_never_broken(width: int) -> None:
    view = View("tdx-quote")
    section = view.section("domain")
    section.add("mr_td", REGISTER)
    section.add("image_hash", HASH)
    section.add("extensions", ["one of them", "another one"])
    shown = view.render(width).plain
    assert HASH in shown
    assert REGISTER in shown
    longest = max(len(line) for line in shown.splitlines() if REGISTER not in line)
    assert longest <= max(width, len(HASH) + layout.INDENT)


@pytest.mark.parametrize("width", [80, 1000])
def test_steps_fit_the_terminal(width: int) -> None:
    report = Report()
    with report.step("Form, key and self-signature", Layer.CERTIFICATE) as found:
        found.reason = f"Ed25519 key {HASH}"
    verdict = Verdict("node", "the policy of this test", 0, report, kind="tdx")
    lines = verdict.render(width).plain.splitlines()
    assert any(HASH in line for line in lines)
    assert all(len(line) <= width and line == line.rstrip() for line in lines)
    assert ("self-signature  Ed25519 key" in "\n".join(lines)) is (width == 1000)


def test_lines_of_a_value_begin_in_one_column() -> None:
    assert layout.named("  name  ", "one\ntwo", 80) == "  name  one\n        two"
    assert layout.named("  name  ", "one\nfour", 10) == "  name\n      one\n      four"
