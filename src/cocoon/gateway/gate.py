"""Who may call, what for, and how much of it: the door that every inference request passes.

:class:`OpenGate` accepts a fixed list of keys, or everybody, and counts nothing. The one with keys,
budgets and limits in a store is :mod:`cocoon.gateway.keys`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from cocoon.accounting import Nano
from cocoon.client.api import Outcome
from cocoon.gateway.access import check_key
from cocoon.gateway.refusal import Header


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a call carries.

    Attributes:
        key_id: public name of the key; empty where no keys are kept.
        is_admin: whether it may use the admin API.
    """

    key_id: str = ""
    is_admin: bool = False


class Demand(msgspec.Struct, frozen=True):
    """What one request asks for.

    Attributes:
        request_id: the gateway's name for it, which the ledger keeps.
        endpoint: the path that was called.
        model: as the caller named it.
        user: end user that the caller names, or empty.
        max_cost: nanoTON that it can cost at most.
        prompt_bytes: size of its body.
        max_tokens: completion tokens that it may make at most.
    """

    request_id: str
    endpoint: str
    model: str
    user: str
    max_cost: Nano
    prompt_bytes: int
    max_tokens: int


class Permit(Protocol):
    """One admitted request. :meth:`settle` is called once, also when nothing was sent."""

    @property
    def headers(self) -> Sequence[Header]:
        """Response headers that tell what is left of the caller's limits."""
        ...

    def extend(self, most: Nano) -> bool:
        """Reserve so much in all, for another attempt beside one whose cost nobody has told.

        Returns:
            Whether it is reserved; else the reservation is what it was.
        """
        ...

    def settle(self, outcome: Outcome, status: int) -> None:
        """Book what it cost, give the rest of the reservation back.

        Args:
            outcome: what the network charged.
            status: HTTP status of the answer; 499 where the caller had gone.
        """
        ...


class Gate(Protocol):
    """Decides about callers and requests. Never blocks the event loop."""

    async def identify(self, credential: bytes | None) -> Caller:
        """Whose key this is.

        Args:
            credential: the key itself, without a scheme; None when the call carries none.

        Raises:
            Refusal: 401, or 403 for a key that expired or was revoked.
        """
        ...

    async def admit(self, caller: Caller, demand: Demand) -> Permit:
        """Reserve what a request may cost, and its place in every limit.

        Raises:
            Refusal: 403 not in the key's scope, 429 a limit (``rate_limit_exceeded``) or a budget
                (``insufficient_quota``); nothing is reserved then.
        """
        ...

    def check(self, caller: Caller, endpoint: str, model: str) -> None:
        """Whether a request would be for this caller at all; nothing is counted.

        Args:
            caller: from :meth:`identify`.
            endpoint: path that the request is for.
            model: as the caller names it.

        Raises:
            Refusal: 403 not in the key's scope, as :meth:`admit` would say.
        """
        ...

    def allows_model(self, caller: Caller, model: str) -> bool:
        """Whether the caller's key is for a model."""
        ...


class _FreePermit:
    __slots__ = ()
    headers: tuple[Header, ...] = ()

    def extend(self, most: Nano) -> bool:  # noqa: ARG002
        """There is no limit."""
        return True

    def settle(self, outcome: Outcome, status: int) -> None:
        """Nothing is counted."""


_FREE = _FreePermit()
_ANYBODY = Caller()


class OpenGate:
    """No accounts.

    Args:
        key_hashes: SHA-256 of accepted keys; empty: nobody needs one.
    """

    def __init__(self, key_hashes: tuple[bytes, ...] = ()) -> None:
        self._hashes = key_hashes

    async def identify(self, credential: bytes | None) -> Caller:
        """See :class:`Gate`."""
        check_key(credential, self._hashes)
        return _ANYBODY

    async def admit(self, caller: Caller, demand: Demand) -> Permit:  # noqa: ARG002
        """See :class:`Gate`."""
        return _FREE

    def check(self, caller: Caller, endpoint: str, model: str) -> None:
        """See :class:`Gate`; everything is allowed."""

    def allows_model(self, caller: Caller, model: str) -> bool:  # noqa: ARG002
        """See :class:`Gate`."""
        return True
