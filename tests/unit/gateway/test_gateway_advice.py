"""Errors that a newcomer meets say what is wrong and what to do."""

import json

from cocoon.errors import PriceError
from cocoon.gateway.answers.engine_error import engine_error
from cocoon.gateway.keys.refusals import spent
from cocoon.gateway.refusal import error_answer


def test_a_price_that_nobody_takes() -> None:
    told = error_answer(PriceError("can run this query with coefficient=1000"), "r")
    error = json.loads(told.body)["error"]
    assert error["message"] == (
        "no worker within 'max_coefficient' is free now: another can run this query with "
        "coefficient=1000"
    )
    assert error["cocoon"]["fix"].startswith("raise 'max_coefficient'")


def test_a_budget_says_what_the_request_can_cost() -> None:
    nano = 10**9
    refusal = spent("daily", nano, nano // 10, "anew tomorrow", "this API key", nano // 5)
    assert "which can cost 0.2 TON: 0.1 TON of 1 TON are left, anew tomorrow" in str(refusal)
    fix = json.loads(error_answer(refusal).body)["error"]["cocoon"]["fix"]
    assert "lower max_tokens or max_coefficient" in fix


def test_a_prompt_that_is_too_long() -> None:
    body = b'{"error": {"code": "context_length_exceeded", "message": "too long"}}'
    error = json.loads(engine_error(body, 400))["error"]
    assert (error["message"], error["code"]) == ("too long", "context_length_exceeded")
    assert "context_length" in error["cocoon"]["fix"]
    assert json.loads(engine_error(b'{"error": "x"}', 400))["error"]["cocoon"]["fix"] is None
