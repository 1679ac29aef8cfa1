"""The asking side: a proxy or worker gets its keys from a key manager at start."""

from typing import Final

from cocoon.errors import CocoonError
from cocoon.net.dialing import RatlsDial, dial
from cocoon.net.link import Link
from cocoon.tl import TLObject
from cocoon.wire.connection import Role
from cocoon.wire.key_manager import KeyKind, KeyManagerSession, ManagedKey

TIMEOUT: Final = 30.0
"""Seconds for the answer."""


class _Asker:
    """A link handler of somebody who only asks."""

    def on_opened(self, link: Link) -> None:
        """Nothing to do."""

    def on_message(self, link: Link, obj: TLObject) -> None:
        """A key manager sends none."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Nobody asks us here."""
        del obj
        link.answer_error(query_id, 0, "Lost promise")

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """The question fails by itself."""


async def fetch_keys(
    settings: RatlsDial, host: str, port: int, kind: KeyKind, *, min_config_version: int = 0
) -> tuple[ManagedKey, ...]:
    """Ask a key manager, official or ours, for all keys of one kind.

    Args:
        settings: our identity, and what the key manager must prove.
        host: where it listens.
        port: of it.
        kind: whose keys.
        min_config_version: the key manager must know at least this version of the root
            configuration; official ones do not look at it.

    Raises:
        AttestationError: we refuse the key manager.
        RequestError: it cannot be reached in time, or refuses us (a subclass).
        RemoteProtocolError: it breaks the protocol.
    """
    session = KeyManagerSession()
    link = await dial(settings, host, port, lambda: Link(Role.CONNECTOR, _Asker()))
    try:
        await link.wait_open()
        answer = await link.query(session.get_keys(kind, min_config_version), TIMEOUT)
        return session.receive_keys(answer)
    finally:
        link.close()
