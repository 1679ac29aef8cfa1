"""The key manager's queries, both halves (``wire-protocol.md`` §8).

There is no handshake: any attested peer may ask, and the image hash decides. The official key
manager ignores ``min_config_version``; :meth:`KeyManagerPeerSession.answer` compares it.
"""

from collections.abc import Iterable
from enum import Enum

from cocoon.errors import WIRE_ERROR, WIRE_FAILURE, RemoteProtocolError
from cocoon.tl import Reticent, TLObject
from cocoon.tl import types as t
from cocoon.wire.negotiation import RefusedError

UNKNOWN_QUERY = (WIRE_FAILURE, "unknown query magic")
"""What a key manager answers to a query that it does not know."""


class KeyKind(Enum):
    """Whose keys are asked for."""

    WORKER = "worker"
    PROXY = "proxy"


class ManagedKey(Reticent, frozen=True, gc=False):
    """One private key (32 bytes, Ed25519 seed) and when it expires (Unix seconds)."""

    private_key: bytes
    valid_until: int


class KeyRequest(Reticent, frozen=True, gc=False):
    """A peer asks for all keys of one kind."""

    kind: KeyKind
    min_config_version: int


_QUERIES: dict[type[TLObject], KeyKind] = {
    t.KeyManagerGetWorkerPrivateKeys: KeyKind.WORKER,
    t.KeyManagerGetProxyPrivateKeys: KeyKind.PROXY,
}


class KeyManagerSession:
    """The half of a proxy or worker that asks for its keys."""

    def get_keys(
        self, kind: KeyKind, min_config_version: int
    ) -> t.KeyManagerGetWorkerPrivateKeys | t.KeyManagerGetProxyPrivateKeys:
        """Return the query for all keys of ``kind``."""
        if kind is KeyKind.WORKER:
            return t.KeyManagerGetWorkerPrivateKeys(min_config_version)
        return t.KeyManagerGetProxyPrivateKeys(min_config_version)

    def receive_keys(self, answer: TLObject) -> tuple[ManagedKey, ...]:
        """Understand the answer.

        Raises:
            RemoteProtocolError: it is no list of keys.
        """
        if not isinstance(answer, t.KeyManagerPrivateKeys):
            raise RemoteProtocolError(f"{answer.NAME} answers a request for keys")
        return tuple(ManagedKey(key.private_key, key.valid_until_utime) for key in answer.keys)


class KeyManagerPeerSession:
    """The key manager's half."""

    def receive_query(self, query: TLObject) -> KeyRequest | None:
        """Understand a query; None for one to answer with ``UNKNOWN_QUERY``."""
        kind = _QUERIES.get(type(query))
        if kind is None:
            return None
        return KeyRequest(kind, query.min_config_version)  # type: ignore[attr-defined]

    def answer(
        self,
        request: KeyRequest,
        keys: Iterable[ManagedKey],
        *,
        allowed: bool,
        active_config_version: int,
    ) -> t.KeyManagerPrivateKeys:
        """Return the answer to ``request``.

        Args:
            request: what was asked.
            keys: all keys of that kind.
            allowed: the caller's image hash is in the list of that kind, or is not checked.
            active_config_version: the root config version that ``allowed`` was judged by.

        Raises:
            RefusedError: the caller may not have them (602).
        """
        if not allowed:
            raise RefusedError(WIRE_ERROR, f"unknown {request.kind.value} hash")
        if request.min_config_version > active_config_version:
            raise RefusedError(WIRE_ERROR, "root config is older than asked for")
        return t.KeyManagerPrivateKeys(
            tuple(t.KeyManagerPrivateKey(key.valid_until, key.private_key) for key in keys)
        )
