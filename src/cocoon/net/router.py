"""The router: it gives runners on this machine attested connections to others.

Three kinds of port (``attestation.md`` §7.1)::

    socks5   application ─ SOCKS5 ─> router ═ proof of work, RA-TLS ═> destination it names
    forward  application ──────────> router ═ proof of work, RA-TLS ═> fixed destination
    reverse  anybody ═ proof of work, RA-TLS ═> router ──────────────> service on this machine

With ``serialize_info`` the local side gets the attested-peer record first, and only once the whole
TLS handshake is done; the official router announces a peer earlier, before it has proved that it
holds its key. As in the official one, the SOCKS5 success reply is sent as soon as the outgoing
connection is started, so a later failure shows as a close.

Every stage has a time limit and every port a limit on its connections; a connection that fails
does not touch another.
"""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from cocoon.attestation import policy as policies
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.policy import PeerPolicy
from cocoon.errors import ConfigError, where
from cocoon.net.identity import Identity
from cocoon.net.router_file import PolicyConfig, PolicyKind, RouterConfig
from cocoon.net.router_ports import PORTS, RouterLimits

__all__ = ["Router", "RouterLimits", "build_policies", "serve_router"]

_log = structlog.get_logger(__name__)


class Router:
    """A running router.

    Attributes:
        addresses: host and port that each configured port really listens on, in their order.
    """

    def __init__(
        self,
        config: RouterConfig,
        identity: Identity,
        known: dict[str, PeerPolicy],
        limits: RouterLimits,
    ) -> None:
        self._identity = identity
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self._ports = [
            PORTS[port.kind](port, known, identity, limits, self.spawn) for port in config.ports
        ]
        self.addresses: list[tuple[str, int]] = []

    @property
    def connections(self) -> int:
        """Connections of all ports, in whatever stage."""
        return sum(len(port.relays) for port in self._ports)

    async def start(self) -> None:
        """Listen on every port; on failure nothing is left listening."""
        try:
            for port in self._ports:
                self.addresses.append((port.config.listen_host, await port.listen()))
        except BaseException:
            await self.close()
            raise
        for port in self._ports:
            kind = port.evidence
            if kind is EvidenceKind.TDX:
                continue
            # No evidence is the stock setting for clients; fake and simulated is for tests only.
            tell = _log.info if kind is EvidenceKind.NONE else _log.warning
            tell("peers of this port prove nothing", port=port.config.port, evidence=kind.value)
        self.spawn(self._identity.maintain())
        self.spawn(self._sweep())

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        for port in self._ports:
            await port.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something that ends with the router at the latest."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            kind = type(error).__name__
            _log.error("a task of the router failed", error=kind, where=where(error))

    async def _sweep(self) -> None:
        """Close what is idle or does not finish closing; one timer serves every connection."""
        limits = self._limits
        period = max(0.01, min(limits.idle_timeout, limits.close_grace) / 4)
        while True:
            await asyncio.sleep(period)
            for port in self._ports:
                for relay in list(port.relays):
                    relay.quiet = 0 if relay.active and not relay.closing else relay.quiet + 1
                    relay.active = False
                    limit = limits.close_grace if relay.closing else limits.idle_timeout
                    if relay.quiet * period >= limit:
                        relay.abort()


async def serve_router(
    config: RouterConfig,
    *,
    identity: Identity | None = None,
    collateral: CollateralBook | None = None,
    simulated_root: bytes | None = None,
    limits: RouterLimits | None = None,
) -> Router:
    """Start a router; stop it with :meth:`Router.close`.

    Args:
        config: what to listen on.
        identity: our key and certificate; by default that of ``config.cert_base``, or one without
            evidence.
        collateral: where policies of type ``tdx`` find platform collateral.
        simulated_root: DER of a devnet's platform root, trusted instead of Intel's.
        limits: limits of every port.

    Raises:
        ConfigError: a policy does not exist, or verifies quotes and there is no collateral.
        CocoonError: the certificate files cannot be used; ConfigError or CertificateError.
        UnavailableError: a port cannot be listened on.
    """
    known = build_policies(config, collateral, simulated_root)
    if identity is None:
        base = config.cert_base
        identity = Identity.generate(None) if base is None else Identity.from_files(Path(base))
    identity.current()  # files that cannot be used show now and not with the first connection
    router = Router(config, identity, known, limits or RouterLimits())
    await router.start()
    return router


def build_policies(
    config: RouterConfig, collateral: CollateralBook | None, simulated_root: bytes | None
) -> dict[str, PeerPolicy]:
    """Make the policies that ports can use; those that none uses need no collateral.

    Raises:
        ConfigError: a named policy does not exist, or needs collateral and there is none.
    """
    names = {port.policy for port in config.ports}
    if any(port.policy_from_username for port in config.ports):
        names |= {
            name
            for name, policy in config.policies.items()
            if policy.kind is not PolicyKind.TDX or collateral is not None
        }
    known: dict[str, PeerPolicy] = {}
    for name in names:
        policy = config.policies.get(name)
        if policy is None:
            raise ConfigError(f"there is no policy {name!r}")
        known[name] = _build_policy(name, policy, collateral, simulated_root)
    return known


def _build_policy(
    name: str,
    config: PolicyConfig,
    collateral: CollateralBook | None,
    simulated_root: bytes | None,
) -> PeerPolicy:
    match config.kind:
        case PolicyKind.ANY:
            return policies.unsafe_accept_anything()
        case PolicyKind.FAKE_TDX:
            return policies.fake_tdx(image_hashes=config.image_hashes, name=name)
        case PolicyKind.TDX:
            if collateral is None:
                raise ConfigError(
                    f"policy {name!r} verifies TDX quotes and needs collateral: --collateral FILE"
                )
            return policies.tdx(
                collateral=collateral,
                simulated_root=simulated_root,
                image_hashes=config.image_hashes,
                mr_tds=config.mr_tds,
                rtmr_sets=config.rtmr_sets,
                collateral_root_hashes=config.collateral_root_hashes,
                name=name,
            )
