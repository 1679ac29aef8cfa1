"""The served gateway holds to its own OpenAPI document, whatever is sent.

Schemathesis makes requests from the document, valid ones and broken ones. Answers must have a
status that the document names and a body of its schema, and a 5xx is only there when the network
behind the gateway had it: here it is scripted, so every failure of it is known.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from cocoon import errors
from cocoon.client.api import ClientRequest
from cocoon.gateway.openapi import document
from cocoon.gateway.openapi.endpoints import ENDPOINTS, Endpoint
from cocoon.testing.engine_answers import scripted
from cocoon.testing.plain_http import call
from cocoon.testing.scripted_client import ScriptedClient, ScriptedResponse
from cocoon.testing.served_gateway import ServedGateway

VALID, BROKEN = 12, 18
"""Requests for each endpoint."""
FAILURES = (
    errors.UnavailableError("no worker is free"),
    errors.OverloadedError("the proxy is full"),
    errors.DeadlineError("too late"),
    errors.UpstreamError("the engine broke off"),
    errors.InsufficientFundsError("not enough"),
    errors.UnknownModelError("no proxy knows this model"),
)


class Network:
    """Answers as engines do; every eighth request fails."""

    def __init__(self) -> None:
        self.raised: list[int] = []
        self.client = ScriptedClient(self._script)

    def _script(self, request: ClientRequest) -> ScriptedResponse | errors.CocoonError:
        choice = hashlib.sha256(request.body).digest()
        if choice[0] % 8 == 0:
            error = FAILURES[choice[1] % len(FAILURES)]
            self.raised.append(error.http_status)
            return error
        return scripted(request)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network()


@pytest.fixture(scope="module")
def served(network: Network) -> Iterator[ServedGateway]:
    with ServedGateway(network.client) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def schema() -> Any:
    import schemathesis

    return schemathesis.openapi.from_dict(document())


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda item: f"{item.method} {item.path}")
def test_the_gateway_holds_to_its_document(
    schema: Any, network: Network, served: ServedGateway, endpoint: Endpoint
) -> None:
    from schemathesis import GenerationMode

    operation = schema[endpoint.path][endpoint.method.upper()]
    for mode, count in ((GenerationMode.POSITIVE, VALID), (GenerationMode.NEGATIVE, BROKEN)):
        if mode is GenerationMode.NEGATIVE and endpoint.fields is None:
            continue
        fuzz(operation, mode, count, network, served.url)


def fuzz(operation: Any, mode: Any, count: int, network: Network, url: str) -> None:
    from schemathesis import checks

    conforms = [
        checks.CHECKS.get_one(name)
        for name in (
            "response_schema_conformance",
            "status_code_conformance",
            "content_type_conformance",
        )
    ]

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        network.raised.clear()
        response = case.call(base_url=url)
        if response.status_code >= 500:
            assert response.status_code in network.raised, case.as_curl_command()
            assert response.json()["error"]["message"]
        case.validate_response(response, checks=conforms)

    run()


SHOWN = [item for item in ENDPOINTS if item.runs and item.media == "application/json"]


@pytest.mark.parametrize("endpoint", SHOWN, ids=lambda item: item.path)
def test_the_examples_of_the_document_are_answered(endpoint: Endpoint) -> None:
    assert endpoint.example is not None
    with ServedGateway(ScriptedClient(scripted)) as gateway:
        answer = call("POST", f"{gateway.url}{endpoint.path}", endpoint.example)
    assert answer.status == 200, answer.body
