"""The attestation of the proxies that a client is connected to, as an object to read or print."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cocoon.attestation.claims import Claim, ClaimName, Claims
from cocoon.attestation.report import Outcome, Step
from cocoon.client.api import WorkerInfo

if TYPE_CHECKING:
    from rich.console import Group

SIMULATED = "SIMULATED"


@dataclass(frozen=True, slots=True)
class ProxyVerification:
    """What is proven of one proxy.

    Attributes:
        address: of its contract, friendly form.
        endpoint: host and port that it was dialled at; empty where a router did.
        kind: of its evidence, such as ``tdx``; ``none`` where the policy looks at none.
        simulated: whether that is simulated hardware, which proves nothing.
        image_hash: lower-case hex.
        public_key: of the connection, lower-case hex.
        platform_id: names the one machine, lower-case hex; empty where the evidence does not.
        policy: what accepted it.
        verified_at, expires_at: unix seconds of the connection's verification.
        claims: what is proven, refuted and unknown.
        steps: every step of a verification made just now; empty where a router verified.
        same_key: whether the node shows the connection's key now, which a renewal changes; None if
            that was not looked at.
        failure: why the verification of just now failed; empty when it did not.
    """

    address: str
    endpoint: str
    kind: str
    simulated: bool
    image_hash: str
    public_key: str
    platform_id: str
    policy: str
    verified_at: int
    expires_at: int
    claims: tuple[Claim, ...]
    steps: tuple[Step, ...] = ()
    same_key: bool | None = None
    failure: str = ""

    @property
    def verified(self) -> bool:
        """Whether this process verified it: the connection when it was made, and the node now."""
        return bool(self.steps) and not self.failure

    def claim(self, name: ClaimName) -> Claim:
        """One claim; ``unknown`` where nothing was said about it."""
        return Claims(self.claims).get(name)

    def lines(self) -> list[str]:
        """In words; with simulated hardware every line says so."""
        found = [self._headline(), f"image {self.image_hash}, accepted by {self.policy}"]
        if self.platform_id:
            found.append(f"platform {self.platform_id}")
        if self.expires_at > self.verified_at:
            found.append(f"verified {_moment(self.verified_at)}, until {_moment(self.expires_at)}")
        if self.same_key is False:
            found.append("its key was renewed since the connection was made")
        found += [f"{item.name.value}: {item.verdict.value}, {item.reason}" for item in self.claims]
        found += [f"step {_step(item)}" for item in self.steps]
        prefix = f"{SIMULATED}  " if self.simulated else ""
        return [prefix + line for line in found]

    def _headline(self) -> str:
        where = f"proxy {self.address}" + (f" at {self.endpoint}" if self.endpoint else "")
        if self.failure:
            return f"REFUSED: {where}: {self.failure}"
        if self.verified:
            return f"VERIFIED: {where} shows {self.kind} evidence"
        return f"TOLD BY A ROUTER: {where} shows {self.kind} evidence"


@dataclass(frozen=True, slots=True)
class Verification:
    """What is proven of everybody that may see a request.

    Attributes:
        proxies: the connected ones, as this process verified them.
        workers: the workers behind them, as the proxies tell; a proxy verified each of them.
        notes: one sentence for everything that a production client would not do.
    """

    proxies: tuple[ProxyVerification, ...]
    workers: tuple[WorkerInfo, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether there are proxies and every one was verified."""
        return bool(self.proxies) and all(item.verified for item in self.proxies)

    @property
    def simulated(self) -> bool:
        """Whether simulated hardware is accepted anywhere, which protects nothing."""
        told = any("simulated" in item.evidence or "fake" in item.evidence for item in self.workers)
        return told or any(item.simulated for item in self.proxies)

    def __str__(self) -> str:
        lines = [line for item in self.proxies for line in item.lines()]
        lines += [_worker_line(item) for item in self.workers]
        lines += [f"note: {note}" for note in self.notes]
        return "\n".join(lines) or "nothing is connected, so nothing was verified"

    def __rich__(self) -> "Group":
        from rich.console import Group  # noqa: PLC0415 - only where somebody prints it
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        parts: list[Table | Text] = []
        for item in self.proxies:
            table = Table("step", "outcome", "layer", "check", "reason", title=item.lines()[0])
            for step in item.steps:
                table.add_row(
                    str(step.number), step.outcome.value, step.layer.value, step.name, step.reason
                )
            claims = Table("claim", "verdict", "reason")
            for claim in item.claims:
                claims.add_row(claim.name.value, claim.verdict.value, claim.reason)
            parts += [table, claims]
        parts += [Text(_worker_line(item)) for item in self.workers]
        parts += [Text(f"note: {note}", style="yellow") for note in self.notes]
        return Group(*parts)

    def to_dict(self) -> dict[str, Any]:
        """For programs and logs; holds nothing secret."""
        return {
            "verified": self.verified,
            "simulated": self.simulated,
            "proxies": [_proxy_dict(item) for item in self.proxies],
            "workers": [
                {"model": item.model, "image_hash": item.image_hash, "evidence": item.evidence}
                for item in self.workers
            ],
            "notes": list(self.notes),
        }


def _proxy_dict(item: ProxyVerification) -> dict[str, Any]:
    return {
        "address": item.address,
        "endpoint": item.endpoint,
        "verified": item.verified,
        "failure": item.failure,
        "kind": item.kind,
        "simulated": item.simulated,
        "image_hash": item.image_hash,
        "public_key": item.public_key,
        "platform_id": item.platform_id,
        "policy": item.policy,
        "verified_at": item.verified_at,
        "expires_at": item.expires_at,
        "claims": [
            {"name": claim.name.value, "verdict": claim.verdict.value, "reason": claim.reason}
            for claim in item.claims
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
            for step in item.steps
        ],
    }


def _worker_line(item: WorkerInfo) -> str:
    simulated = "simulated" in item.evidence or "fake" in item.evidence
    what = item.evidence or "evidence that the proxy does not tell"
    image = f", image {item.image_hash}" if item.image_hash else ""
    prefix = f"{SIMULATED}  " if simulated else ""
    return f"{prefix}told by a proxy: a worker of {item.model or 'a model'} with {what}{image}"


def _step(step: Step) -> str:
    fix = f"; fix: {step.fix}" if step.fix and step.outcome is Outcome.FAILED else ""
    return f"{step.number} {step.name} ({step.layer.value}): {step.outcome.value}, " + (
        f"{step.reason}{fix}"
    )


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
