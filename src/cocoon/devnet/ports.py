"""TCP ports of a devnet: the official ones, or free ones."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"

GATEWAY = 10000
PROXY_HTTP, PROXY_WORKERS, PROXY_CLIENTS = 11000, 11001, 11002
WORKER_HTTP = 12000
CHAIN_HTTP = 8081
"""Where programs look for a local HTTP API of TON."""
INSTANCE_STEP = 10
"""The official scripts add this for every further instance (``wire-protocol.md`` §2.1)."""


@dataclass(frozen=True, slots=True)
class ProxyPorts:
    """Ports of one proxy."""

    http: int
    workers: int
    clients: int


@dataclass(frozen=True, slots=True)
class Ports:
    """Ports of a devnet; ``chain`` is not used when TON is simulated."""

    gateway: int
    proxies: tuple[ProxyPorts, ...]
    workers: tuple[int, ...]
    chain: int

    def all(self) -> list[int]:
        """Every port."""
        of_proxies = [
            port for item in self.proxies for port in (item.http, item.workers, item.clients)
        ]
        return [self.gateway, *of_proxies, *self.workers, self.chain]


def official_ports(proxies: int, workers: int) -> Ports:
    """The official default ports, moved by ten for every further instance."""
    return Ports(
        GATEWAY,
        tuple(
            ProxyPorts(PROXY_HTTP + step, PROXY_WORKERS + step, PROXY_CLIENTS + step)
            for step in _steps(proxies)
        ),
        tuple(WORKER_HTTP + step for step in _steps(workers)),
        CHAIN_HTTP,
    )


def free_ports(proxies: int, workers: int, gateway: int = 0) -> Ports:
    """Ports that are free now; ``gateway`` keeps one that was asked for."""
    free = iter(_pick(2 + 3 * proxies + workers))
    own = next(free)
    return Ports(
        gateway or own,
        tuple(ProxyPorts(next(free), next(free), next(free)) for _ in range(proxies)),
        tuple(next(free) for _ in range(workers)),
        next(free),
    )


def busy_ports(ports: Ports) -> list[int]:
    """Those that something else listens on."""
    return [port for port in ports.all() if not _is_free(port)]


def _steps(count: int) -> list[int]:
    return [INSTANCE_STEP * index for index in range(count)]


def _pick(count: int) -> list[int]:
    # All are held until the last one is known, so that none comes twice.
    with ExitStack() as held:
        ports = []
        for _ in range(count):
            listener = held.enter_context(socket.socket())
            listener.bind((LOOPBACK, 0))
            ports.append(int(listener.getsockname()[1]))
        return ports


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
