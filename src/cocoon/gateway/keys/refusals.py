"""The answers of the gate. None of them quotes what the caller sent."""

from math import ceil

from cocoon.accounting import Nano
from cocoon.gateway.refusal import Header, Refusal

_QUOTA = "insufficient_quota"


def _unauthorised(message: str, code: str) -> Refusal:
    return Refusal(
        message,
        status=401,
        kind="authentication_error",
        code=code,
        headers=[(b"www-authenticate", b"Bearer")],
    )


def inactive_key(state: str) -> Refusal:
    """401: a genuine key that is ``expired``, ``revoked`` or ``disabled``."""
    return _unauthorised(f"this API key is {state}", f"api_key_{state}")


def scope_missing(what: str, code: str, param: str | None = None) -> Refusal:
    """403: the key is not for this."""
    return Refusal(what, status=403, kind="permission_error", code=code, param=param)


def store_away() -> Refusal:
    """503: nothing can be counted now, so nothing is admitted."""
    return Refusal(
        "the store of API keys cannot be reached; try again",
        status=503,
        kind="server_error",
        code="key_store_unavailable",
        headers=[(b"retry-after", b"1")],
    )


def too_fast(
    kind: str, limit: int, remaining: int, wait: float, whose: str = "this API key"
) -> Refusal:
    """429: more ``kind`` (``requests`` or ``tokens``) in a minute than ``limit``.

    Args:
        kind: what is counted.
        limit: in a minute.
        remaining: of it now.
        wait: seconds until the request would be admitted.
        whose: limit it is.
    """
    name = kind.encode()
    headers: list[Header] = [
        (b"retry-after", b"%d" % max(1, ceil(wait))),
        (b"x-ratelimit-limit-" + name, b"%d" % limit),
        (b"x-ratelimit-remaining-" + name, b"%d" % max(0, remaining)),
        (b"x-ratelimit-reset-" + name, f"{wait:.3f}s".encode()),
    ]
    return Refusal(
        f"{whose} may use {limit} {kind} a minute; try again in {max(1, ceil(wait))} s",
        status=429,
        kind=kind,
        code="rate_limit_exceeded",
        headers=headers,
    )


def too_many(limit: int, whose: str) -> Refusal:
    """429: more requests at a time than ``limit``."""
    return Refusal(
        f"{whose} may run {limit} requests at a time; try again when one has ended",
        status=429,
        kind="requests",
        code="rate_limit_exceeded",
        headers=[(b"retry-after", b"1")],
    )


def spent(budget: str, cap: int, left: int, resets: str, whose: str, most: int) -> Refusal:
    """429: a budget does not cover the request.

    Args:
        budget: ``daily``, ``monthly`` or ``total``.
        cap: its size in nanoTON.
        left: nanoTON that are not spent.
        resets: when it starts anew, in words.
        whose: budget it is.
        most: nanoTON that the request can cost.
    """
    return Refusal(
        f"the {budget} budget of {whose} does not cover this request, which can cost "
        f"{Nano(most).ton()}: {Nano(left).ton()} of {Nano(cap).ton()} are left, {resets}",
        status=429,
        kind=_QUOTA,
        code=_QUOTA,
        fix="lower max_tokens or max_coefficient: a request reserves the most that it can cost",
    )


def reserved(budget: str, cap: int, whose: str) -> Refusal:
    """429: what is left of a budget is reserved for requests that run now."""
    return Refusal(
        f"what is left of the {budget} budget of {whose} ({Nano(cap).ton()}) is reserved for "
        "running requests; try again when one has ended",
        status=429,
        kind=_QUOTA,
        code="budget_reserved",
        headers=[(b"retry-after", b"1")],
    )
