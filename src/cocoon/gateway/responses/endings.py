"""How a response ends: regularly, cut short, or with an error."""

from cocoon.gateway.answers.chat_stream import EngineFailure
from cocoon.gateway.refusal import error_object
from cocoon.gateway.responses.answer import COMPLETED, Outcome

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_BROKEN = frozenset({"abort", "error"})
ENGINE_FAILED = "the engine failed while it answered"
CUT_OFF = "the engine's answer ended before it was whole"


def outcome_of(reason: str | None, failure: EngineFailure | None, *, ended: bool) -> Outcome:
    """What an engine's ending means.

    Args:
        reason: ``finish_reason``; words that nobody knows count as a regular end.
        failure: how the engine broke off, if it did.
        ended: whether the chat was closed in due form, with or without a reason.
    """
    if failure is not None:
        return Outcome("failed", error=failure_error(failure))
    if reason is None and not ended:
        return Outcome("failed", error={"code": "server_error", "message": CUT_OFF})
    if reason in _BROKEN:
        return Outcome("failed", error={"code": "server_error", "message": ENGINE_FAILED})
    if reason in _INCOMPLETE:
        return Outcome("incomplete", incomplete=_INCOMPLETE[reason])
    return COMPLETED


def failure_error(failure: EngineFailure) -> dict[str, str]:
    """``error`` for what an engine wrote into its stream: its own words, for the caller alone."""
    code = "server_error"
    if failure.status == 429:
        code = "rate_limit_exceeded"
    elif failure.status < 500:
        code = "invalid_prompt"
    text = "".join(c if c.isprintable() else " " for c in failure.message)
    return {"code": code, "message": text or ENGINE_FAILED}


def broken(error: BaseException) -> tuple[Outcome, dict[str, str | None]]:
    """The outcome for a failure between engine and caller, and the members of its error event."""
    told = error_object(error)
    code = "rate_limit_exceeded" if told["type"] == "rate_limit_error" else "server_error"
    message = told["message"] or ENGINE_FAILED
    event = {"code": told["code"], "message": message, "param": told["param"]}
    return Outcome("failed", error={"code": code, "message": message}), event
