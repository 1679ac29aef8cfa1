"""A verification as numbered steps that a person can read, like the report of a test.

The same steps run with and without somebody reading: a report only listens.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

from cocoon.errors import AttestationError


class Layer(Enum):
    """Where a step looks, and so where a failure is to be mended."""

    CERTIFICATE = "certificate"
    EVIDENCE = "evidence"
    STATEMENT = "statement"
    GPU = "gpu"
    POLICY = "policy"


class Outcome(Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        number: from 1.
        name: what was checked.
        layer: where.
        outcome: how it ended.
        reason: what was found.
        fix: what the owner of the machine, or the reader, can do; empty when nothing is needed.
    """

    number: int
    name: str
    layer: Layer
    outcome: Outcome
    reason: str
    fix: str = ""


@dataclass(slots=True)
class Found:
    """What a step found; filled in while it runs."""

    reason: str = ""
    fix: str = ""
    outcome: Outcome = Outcome.PASSED

    def skip(self, reason: str, fix: str = "") -> None:
        """There was nothing to check, which is no success."""
        self.outcome, self.reason, self.fix = Outcome.SKIPPED, reason, fix


@dataclass(slots=True)
class Report:
    """The steps so far."""

    steps: list[Step] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether there are steps and none failed."""
        return bool(self.steps) and all(s.outcome is not Outcome.FAILED for s in self.steps)

    @property
    def failure(self) -> Step | None:
        """The step that failed last, or None."""
        failed = [step for step in self.steps if step.outcome is Outcome.FAILED]
        return failed[-1] if failed else None

    @contextmanager
    def step(self, name: str, layer: Layer) -> Iterator[Found]:
        """Run a step; what it raises is written down and goes on."""
        found = Found()
        try:
            yield found
        except AttestationError as error:
            self._add(name, layer, Outcome.FAILED, str(error), error.fix)
            raise
        self._add(name, layer, found.outcome, found.reason, found.fix)

    def skipped(self, name: str, layer: Layer, reason: str, fix: str = "") -> None:
        """Write down a step that did not decide anything."""
        self._add(name, layer, Outcome.SKIPPED, reason, fix)

    def extend(self, steps: Iterable[Step]) -> None:
        """Take over the steps of another report, numbered on."""
        for step in steps:
            self._add(step.name, step.layer, step.outcome, step.reason, step.fix)

    def _add(self, name: str, layer: Layer, outcome: Outcome, reason: str, fix: str) -> None:
        self.steps.append(Step(len(self.steps) + 1, name, layer, outcome, reason, fix))
