"""The result of a verification, for people and for scripts."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from cocoon.attestation.claims import Claim
from cocoon.attestation.report import Outcome, Report, Step
from cocoon.cli import layout
from cocoon.cli.attest.describe_x509 import printable
from cocoon.cli.screen import moment

SIMULATED = "SIMULATED"
NO_EVIDENCE = "none"
_STYLES = {Outcome.PASSED: "green", Outcome.FAILED: "bold red", Outcome.SKIPPED: "yellow"}


@dataclass(slots=True)
class Verdict:
    """What a verification came to.

    Attributes:
        target: what was verified.
        policy: by which policy.
        at: unix seconds for which it holds.
        report: the steps.
        simulated: whether simulated or fake hardware was accepted, or could have been.
        kind: of the evidence, once verified.
        image_hash: 32 bytes, once verified.
        image_judged: whether a list decided about the image.
        platform_id: 32 bytes, or None.
        model_hash: 32 bytes, or None.
        expires_at: unix seconds, or None.
        claims: what is proven, refuted and unknown.
        notes: what a reader must know besides.
    """

    target: str
    policy: str
    at: int
    report: Report = field(default_factory=Report)
    simulated: bool = False
    kind: str = ""
    image_hash: bytes | None = None
    image_judged: bool = False
    platform_id: bytes | None = None
    model_hash: bytes | None = None
    expires_at: int | None = None
    claims: tuple[Claim, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def verified(self) -> bool:
        """Whether every step passed or had nothing to check, and something was verified."""
        return self.report.passed and bool(self.kind)

    def lines(self) -> list[str]:
        """The verdict in words; with simulated hardware every line says so."""
        found = self._verified_lines() if self.verified else self._refused_lines()
        found += [f"note: {note}" for note in self.notes]
        prefix = f"{SIMULATED}  " if self.simulated else ""
        return [prefix + line for line in found]

    def render(self, width: int) -> Text:
        """For people, in lines of at most ``width`` columns where no value is longer."""
        title = f"{self.target}, judged at {_moment(self.at)} by {self.policy}"
        layer = max((len(step.layer.value) for step in self.report.steps), default=0)
        check = max((len(step.name) for step in self.report.steps), default=0)
        heads = f"step  outcome  {'layer':{layer}}  {'check':{check}}  reason"
        style = "green" if self.verified and not self.simulated else "yellow"
        if not self.verified:
            style = "bold red"
        parts = [Text(layout.words(title, width)), Text(), Text(heads, style="bold")]
        parts += [_row(step, layer, check, width) for step in self.report.steps]
        parts.append(Text())
        parts += [Text(layout.words(line, width), style=style) for line in self.lines()]
        return Text("\n").join(parts)

    def to_json(self) -> str:
        """For scripts."""
        failure = self.report.failure
        document: dict[str, Any] = {
            "target": self.target,
            "policy": self.policy,
            "at": self.at,
            "verdict": "verified" if self.verified else "refused",
            "simulated": self.simulated,
            "failed_step": None if failure is None else failure.number,
            "kind": self.kind or None,
            "image_hash": _hex(self.image_hash),
            "image_judged": self.image_judged,
            "platform_id": _hex(self.platform_id),
            "model_hash": _hex(self.model_hash),
            "expires_at": self.expires_at,
            "claims": [
                {
                    "name": claim.name.value,
                    "verdict": claim.verdict.value,
                    "reason": claim.reason,
                    "fix": claim.fix,
                }
                for claim in self.claims
            ],
            "steps": [
                {
                    "number": step.number,
                    "name": step.name,
                    "layer": step.layer.value,
                    "outcome": step.outcome.value,
                    "reason": step.reason,
                    "fix": step.fix,
                }
                for step in self.report.steps
            ],
            "notes": self.notes,
        }
        return json.dumps(document, indent=2)

    def _verified_lines(self) -> list[str]:
        if self.kind == NO_EVIDENCE:
            return [f"ACCEPTED WITHOUT EVIDENCE: {self.target}: the policy lets anybody pass"]
        lines = [f"VERIFIED: {self.target} shows {self.kind} evidence that the policy accepts"]
        if self.simulated:
            lines.append("the hardware is simulated: nothing about this node is confidential")
        if self.image_hash is not None:
            judged = "listed" if self.image_judged else "NOT JUDGED: no list of images was given"
            lines.append(f"image {self.image_hash.hex()} ({judged})")
        if self.platform_id is not None:
            lines.append(f"platform id {self.platform_id.hex()}")
        if self.model_hash is not None:
            lines.append(f"model hash {self.model_hash.hex()}")
        if self.expires_at is not None:
            lines.append(f"holds until {_moment(self.expires_at)}")
        return lines

    def _refused_lines(self) -> list[str]:
        failure = self.report.failure
        if failure is None:
            return [f"REFUSED: {self.target}: nothing was verified"]
        where = f"step {failure.number} ({failure.layer.value}: {failure.name})"
        lines = [f"REFUSED: {self.target} fails at {where}: {printable(failure.reason)}"]
        if failure.fix:
            lines.append(f"fix: {failure.fix}")
        return lines


def _row(step: Step, layer: int, check: int, width: int) -> Text:
    """A step as a line; its reason is below where it does not fit beside it."""
    name = f"{step.number:4}  {step.outcome.value:7}  {step.layer.value:{layer}}  "
    reason = printable(step.reason)
    if step.fix and step.outcome is Outcome.FAILED:
        reason += f"\nfix: {step.fix}"
    text = Text(layout.named(f"{name}{step.name:{check}}  ", reason, width))
    text.stylize(_STYLES[step.outcome], 6, 6 + len(step.outcome.value))
    return text


def parse_moment(text: str) -> int | None:
    """Unix seconds from digits or from ``2026-11-22T10:00:00`` (UTC unless it says otherwise)."""
    if text.isascii() and text.isdigit() and len(text) <= 11:
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def _moment(seconds: int) -> str:
    try:
        return moment(seconds)
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()
