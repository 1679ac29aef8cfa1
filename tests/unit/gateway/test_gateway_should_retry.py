"""Packages repeat a failed request by themselves only where nothing was, or may be, paid for it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cocoon.accounting import Nano
from cocoon.client.api import ClientRequest, Outcome
from cocoon.errors import UnavailableError
from cocoon.gateway import Gateway
from cocoon.testing.scripted_client import (
    SUMMARY,
    ScriptedClient,
    ScriptedResponse,
    failing,
)

pytestmark = pytest.mark.anyio

BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {},
    "/v1/messages": {"max_tokens": 5},
}
each_path = pytest.mark.parametrize("path", BODIES)


async def ask(call: Any, client: ScriptedClient, path: str) -> tuple[str, dict[str, Any]]:
    ask = {"model": "demo", "messages": [{"role": "user", "content": "hi"}], **BODIES[path]}
    answer = await call(Gateway(client), "POST", path, json.dumps(ask).encode())
    assert answer.status >= 400
    return answer.headers["x-should-retry"], json.loads(answer.body)["error"].get("cocoon", {})


@each_path
async def test_nothing_was_charged(call: Any, path: str) -> None:
    again, told = await ask(call, failing(UnavailableError("nobody")), path)
    assert (again, told["retryable"], told["charged_nanoton"]) == ("true", True, 0)


@each_path
@pytest.mark.parametrize("cost", [5, None])
async def test_something_was_or_may_be_charged(call: Any, path: str, cost: int | None) -> None:
    class Charging(ScriptedClient):
        async def run(self, request: ClientRequest) -> Any:
            assert request.on_settled is not None
            if cost is None:
                request.on_settled(Outcome(Nano(7), told=False))
            else:
                request.on_settled(Outcome(Nano(cost), told=True))
            raise UnavailableError("lost the proxy")

    again, told = await ask(call, Charging(lambda _: UnavailableError("never")), path)
    assert (again, told["retryable"], told["charged_nanoton"]) == ("false", True, cost)


@each_path
@pytest.mark.parametrize(
    ("status", "cost", "expected"),
    [(500, 0, "true"), (503, 0, "true"), (500, 9, "false"), (400, 0, "false"), (503, -1, "false")],
)
async def test_an_engines_error(
    call: Any, path: str, status: int, cost: int, expected: str
) -> None:
    summary = None if cost < 0 else replace(SUMMARY, cost=Nano(cost))
    client = ScriptedClient(lambda _: ScriptedResponse([b"{}"], status=status, summary=summary))
    again, _ = await ask(call, client, path)
    assert again == expected
