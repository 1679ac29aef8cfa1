"""The attestation page of a role: what is on it, and the port on which strangers find it."""

import asyncio
import contextlib
from collections.abc import Awaitable
from functools import partial
from typing import Protocol, cast

import structlog

from cocoon.attestation.evidence import EvidenceKind
from cocoon.cli.config.tables import PageTable, ProxyFile, WorkerFile
from cocoon.cli.config.trust import Trust
from cocoon.errors import EvidenceError
from cocoon.net.attestation_page import PATH, AttestationPage, PageFacts
from cocoon.net.http_server import HttpServer

MAX_CONNECTIONS = 64
"""Strangers at a time; the oldest connection gives way to a further one."""

_log = structlog.get_logger(__name__)


class LogSource(Protocol):
    """Hardware whose boot left logs."""

    def logs(self) -> tuple[bytes, str | None]:
        """The firmware's log, and the lines of our start-up."""
        ...


def attestation_page(file: ProxyFile | WorkerFile, trust: Trust) -> AttestationPage | None:
    """The page; None where a router shows a certificate of its own to our peers."""
    if isinstance(file, ProxyFile):
        role, model = "proxy", None
        uses_tls = "ratls" in (file.workers.transport, file.clients.transport)
    else:
        role, model = "worker", file.model
        uses_tls = file.dial.transport == "ratls"
    if not uses_tls:
        return None
    return page_of(role, trust, model=model)


def page_of(role: str, trust: Trust, *, model: str | None = None) -> AttestationPage:
    """The page of a node that shows its own certificate."""
    logs = None
    if trust.evidence is not None and trust.evidence.kind is EvidenceKind.TDX:
        logs = partial(_logs, cast(LogSource, trust.evidence))
    facts = PageFacts(role=role, image_hash=trust.image_hash, model=model, logs=logs)
    return AttestationPage(trust.identity, trust.evidence, facts)


def _logs(source: LogSource) -> tuple[bytes | None, str | None]:
    """A machine without logs still has a page: its registers are then not explained."""
    try:
        return source.logs()
    except EvidenceError:
        return None, None


def public_pages(page: AttestationPage | None, table: PageTable) -> list[Awaitable[None]]:
    """Endless tasks that serve the page to strangers; none where no port is named."""
    if page is None or table.port is None:
        return []
    return [_serve(page, table.host, table.port)]


async def _serve(page: AttestationPage, host: str, port: int) -> None:
    """Serve until cancelled.

    Raises:
        ConfigError: the port cannot be listened on.
    """
    server = HttpServer(page.app(), host, port, strangers=MAX_CONNECTIONS)
    await server.start()
    _log.info("attestation page", host=host, port=server.port, path=PATH)
    try:
        await server.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await server.stop()
