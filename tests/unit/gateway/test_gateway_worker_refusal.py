"""A worker's refusal of a body reaches the caller as OpenAI, or Anthropic, would tell it."""

import json
from typing import Any

import pytest

from cocoon.errors import BadRequestError
from cocoon.gateway import Gateway
from cocoon.gateway.answers.worker_refusal import param_and_code
from cocoon.testing.scripted_client import failing
from cocoon.wire import refusals

pytestmark = pytest.mark.anyio

ASK = {"model": "demo", "messages": [{"role": "user", "content": "hi"}]}
TOLD = [
    ("unknown option 'tools' in request", "tools", "unsupported_parameter"),
    (str(refusals.unknown("x", "messages[0]")), "messages[0].x", "unsupported_parameter"),
    (str(refusals.missing("messages[0].role")), "messages[0].role", "missing_required_parameter"),
    (str(refusals.wrong("top_k", "be an integer")), "top_k", "invalid_value"),
    ("field 'n': this worker's engine gives one answer", "n", "unsupported_parameter"),
    ("unknown option with an unusual name in request", None, None),
    ("no", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("text", "param", "code"), TOLD)
def test_param_and_code(text: str, param: str | None, code: str | None) -> None:
    assert param_and_code(text) == (param, code)


@pytest.mark.parametrize(("text", "param", "code"), TOLD[:-1])
async def test_openai_form(call: Any, text: str, param: str | None, code: str | None) -> None:
    app = Gateway(failing(BadRequestError(text)))
    answer = await call(app, "POST", "/v1/chat/completions", json.dumps(ASK).encode())
    error = json.loads(answer.body)["error"]
    assert answer.status == 400
    assert (error["message"], error["type"]) == (text, "invalid_request_error")
    assert (error["param"], error["code"]) == (param, code)


async def test_anthropic_form(call: Any) -> None:
    app = Gateway(failing(BadRequestError(TOLD[0][0])))
    ask = json.dumps({**ASK, "max_tokens": 5}).encode()
    answer = await call(app, "POST", "/v1/messages", ask)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["type"]) == (400, "invalid_request_error")
    assert error["message"] == TOLD[0][0]
    assert error["details"] == {"error_code": "unsupported_parameter", "param": "tools"}
