"""A router says when a port trusts what proves nothing."""

import pytest
import structlog

from cocoon.net.router import serve_router
from cocoon.net.router_file import PortConfig, PortKind, RouterConfig

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("policy", "level", "evidence"),
    [("any", "info", "none"), ("fake_tdx", "warning", "fake_tdx")],
)
async def test_ports_without_proof_are_named(policy: str, level: str, evidence: str) -> None:
    config = RouterConfig((PortConfig(0, PortKind.SOCKS5, policy, host="127.0.0.1"),))
    with structlog.testing.capture_logs() as lines:
        router = await serve_router(config)
        await router.close()
    told = [(line["log_level"], line["evidence"]) for line in lines if "evidence" in line]
    assert told == [(level, evidence)]
