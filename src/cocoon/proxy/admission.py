"""May this request run, where, and for how much at most: one synchronous decision.

The checks come in the official order (``wire-protocol.md`` §7.1). What the official proxy gets
wrong is done right: negative and absurd numbers are refused, the reservation uses the real price
multipliers so that a charge can never exceed it (defect D2), and it is part of the returned
decision, so that whoever holds the decision must settle or release it.
"""

import math
from dataclasses import dataclass

from cocoon.accounting import Ledger, PriceList, Reservation
from cocoon.errors import (
    BadRequestError,
    InsufficientFundsError,
    OverloadedError,
    PaymentError,
    UnavailableError,
)
from cocoon.proxy.books import REOPENED, ClientRecord
from cocoon.proxy.registry import MAX_MODEL_NAME, Registry, Worker
from cocoon.proxy.scheduler import Scheduler
from cocoon.wire.events import RunQuery

MAX_TIMEOUT = 3600.0
"""Longest time limit of a request, in seconds; a longer wish is cut to it."""
MIN_TIMEOUT = 0.001
MAX_TOKENS = 10_000_000
"""Largest ``max_tokens`` a client may ask for."""
RUNNING = 0
"""Contract state of a client that is neither closing nor closed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may run; the reservation is the holder's to settle or release."""

    worker: Worker
    reservation: Reservation
    timeout: float


@dataclass(slots=True)
class Terms:
    """What admission depends on besides the request, the client and the workers.

    Attributes:
        prices: of the active root configuration.
        config_version: version of that configuration.
        enabled: whether the operator lets this proxy take requests.
        storable: whether the books can be stored; what cannot be stored must not be used up.
        max_running_per_client: requests that one client may have running.
        scheduler: the policy that chooses among workers.
        refusal: why settlement on chain forbids new requests; None if it does not.
    """

    prices: PriceList
    config_version: int
    enabled: bool
    storable: bool
    max_running_per_client: int
    scheduler: Scheduler
    refusal: str | None = None


def admit(
    query: RunQuery, client: ClientRecord, terms: Terms, registry: Registry, ledger: Ledger
) -> Admitted:
    """Decide about one request; changes nothing but the reservation that it returns.

    Raises:
        BadRequestError: numbers out of range, an unknown configuration version, a bad name.
        InsufficientFundsError: the client's balance does not cover the most it can cost.
        UnknownModelError, UnavailableError, UnsupportedError, OverloadedError, PriceError: no
            worker; see :meth:`Registry.choose`.
    """
    timeout = _checked_timeout(query)
    account = client.account
    available = account.tokens_available(terms.prices.price_per_token)
    if available < query.max_tokens:
        raise InsufficientFundsError(
            f"client balance is too low: {max(available, 0)} tokens available"
        )
    if query.min_config_version > terms.config_version:
        raise BadRequestError(
            f"this proxy knows root configuration {terms.config_version}, "
            f"the request needs {query.min_config_version}"
        )
    if client.state == REOPENED:
        raise UnavailableError("what was used before the account was closed is being charged")
    if client.state != RUNNING:
        raise UnavailableError("client is closing")
    if not terms.enabled:
        raise UnavailableError("this proxy is disabled")
    if terms.refusal is not None:
        raise UnavailableError(terms.refusal)
    if not terms.storable:
        raise UnavailableError("this proxy cannot store its books now")
    if account.running >= terms.max_running_per_client:
        raise OverloadedError(
            f"{account.running} requests of this client are running; wait for one to end"
        )
    try:
        most = terms.prices.reservation(len(query.query), query.max_tokens, query.max_coefficient)
    except PaymentError as error:
        raise BadRequestError(f"the limits of the request are out of range: {error}") from error
    if most > available:
        raise InsufficientFundsError(
            f"balance is too low: the request can cost {most} tokens, {available} are available"
        )
    worker = registry.choose(query.model, query.max_coefficient, terms.scheduler, query.requires)
    return Admitted(worker, ledger.reserve(account, most, terms.prices.price_per_token), timeout)


def _checked_timeout(query: RunQuery) -> float:
    if not 0 <= query.max_tokens <= MAX_TOKENS:
        raise BadRequestError(f"max_tokens must be between 0 and {MAX_TOKENS}")
    if query.max_coefficient < 0:
        raise BadRequestError("max_coefficient must not be negative")
    if not query.model or len(query.model) > MAX_MODEL_NAME:
        raise BadRequestError(f"the model name must have 1 to {MAX_MODEL_NAME} characters")
    if not math.isfinite(query.timeout) or query.timeout < MIN_TIMEOUT:
        raise BadRequestError("timeout must be a positive number of seconds")
    return min(query.timeout, MAX_TIMEOUT)
