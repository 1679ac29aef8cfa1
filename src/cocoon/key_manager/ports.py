"""What happens on the two ports: peers ask for keys, the next key manager asks for everything."""

import structlog

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import CocoonError, OverloadedError, PolicyError, StoreError
from cocoon.key_manager.grants import Grant, find_grant, inheritance, use_grant
from cocoon.key_manager.handover import (
    MAX_SMALL,
    Ask,
    Done,
    Give,
    Message,
    Retired,
    check_done,
    retired_proof,
)
from cocoon.key_manager.manager import KeyManager
from cocoon.key_manager.pipe import HandoverPipe
from cocoon.key_manager.release import check_evidence
from cocoon.net.link import Link
from cocoon.tl import TLObject
from cocoon.wire.key_manager import UNKNOWN_QUERY, KeyManagerPeerSession
from cocoon.wire.negotiation import RefusedError

MAX_QUERIES = 16
"""Questions of one connection; a peer asks at start and when its keys end."""
HANDOVER_LIFETIME = 120.0
MAX_HANDOVERS = 4

_log = structlog.get_logger(__name__)


class PeerPortHandler:
    """Answers the official queries on every link.

    Args:
        manager: decides.
        max_connections: a further one takes the place of the oldest: whoever asks is done in a
            moment, and any attested stranger could otherwise hold all of them.
    """

    def __init__(self, manager: KeyManager, max_connections: int) -> None:
        self._manager = manager
        self._max_connections = max_connections
        self._session = KeyManagerPeerSession()
        self._links: dict[Link, int] = {}  # the oldest first

    @property
    def connections(self) -> int:
        """Open connections."""
        return len(self._links)

    def close_all(self) -> None:
        """Close every connection."""
        for link in list(self._links):
            link.close()

    def on_opened(self, link: Link) -> None:
        """A peer has connected."""
        if len(self._links) >= self._max_connections:
            oldest = next(iter(self._links))
            del self._links[oldest]
            oldest.close(OverloadedError("this key manager takes no more connections"))
        self._links[link] = 0

    def on_message(self, link: Link, obj: TLObject) -> None:
        """The protocol has no messages here; official key managers ignore them too."""

    def on_query(self, link: Link, query_id: int, obj: TLObject) -> None:
        """Answer a question for keys."""
        if link not in self._links:
            return  # it had to give way
        self._links[link] += 1
        if self._links[link] > MAX_QUERIES:
            link.close(OverloadedError("too many questions on one connection"))
            return
        request = self._session.receive_query(obj)
        if request is None:
            link.answer_error(query_id, *UNKNOWN_QUERY)
            return
        try:
            link.answer(query_id, self._manager.release(request, link.peer))
        except RefusedError as refusal:
            link.answer_error(query_id, refusal.code, str(refusal))
        except StoreError as error:
            _log.error("no keys go out: the release cannot be logged", reason=str(error))
            link.answer_error(query_id, error.wire_code, "the key manager cannot write its log")

    def on_closed(self, link: Link, reason: CocoonError | None) -> None:
        """Forget the connection."""
        del reason
        self._links.pop(link, None)


class HandoverPortHandler:
    """The old key manager's half of handovers.

    Args:
        manager: whose secret is handed over.
    """

    def __init__(self, manager: KeyManager) -> None:
        self._manager = manager
        self._pipes: dict[HandoverPipe, None] = {}  # the oldest first

    def new_pipe(self) -> HandoverPipe:
        """The application of a new connection, for ``listen_ratls``."""
        pipe = HandoverPipe(
            MAX_SMALL,
            HANDOVER_LIFETIME,
            on_message=self._on_message,
            on_closed=lambda closed: self._pipes.pop(closed, None),
        )
        if len(self._pipes) >= MAX_HANDOVERS:
            next(iter(self._pipes)).close()
        self._pipes[pipe] = None
        return pipe

    def close_all(self) -> None:
        """Close every connection."""
        for pipe in list(self._pipes):
            pipe.close()

    def _on_message(self, pipe: HandoverPipe, message: Message) -> None:
        try:
            match message:
                case Ask():
                    pipe.send(self.give(message, pipe.peer))
                case Done():
                    pipe.send(self.retire(message, pipe.peer))
                case _:
                    pipe.refuse("only the old key manager says that")
        except StoreError as error:
            _log.error("the handover cannot be stored", reason=str(error))
            pipe.refuse("the key manager cannot store the handover")
        except CocoonError as error:
            _log.warning("handover refused", reason=str(error))
            pipe.refuse(str(error))

    def give(self, ask: Ask, peer: VerifiedPeer) -> Give:
        """Master secret and state for a peer that may take over now.

        Raises:
            CocoonError: it may not.
        """
        manager = self._manager
        if ask.manager_id not in (b"", manager.master.manager_id):
            raise PolicyError("this is another key manager")
        if manager.state.successor is not None:
            raise PolicyError("another key manager has taken over already: ask that one")
        grant = self._grant(peer)
        state = inheritance(manager.state, grant, ask.nonce, manager.now())
        manager.note_handover("handover-given", peer, _words(grant))
        return Give(ask.nonce, manager.master.reveal(), state.to_bytes())

    def retire(self, done: Done, peer: VerifiedPeer) -> Retired:
        """Make way for a peer that has sealed and stored everything.

        Raises:
            CocoonError: it may not take over, or what it has is not the newest state.
        """
        manager = self._manager
        check_done(done, manager.master)
        if manager.state.successor is None:
            grant = self._grant(peer)
            now = manager.now()
            if inheritance(manager.state, grant, done.nonce, now).generation != done.generation:
                raise PolicyError("the state has changed since: ask for it again")
            manager.note_handover("handed-over", peer, _words(grant))
            manager.commit(use_grant(manager.state, grant, done.nonce, now))
        elif (manager.state.successor, manager.state.handover_nonce) != (
            peer.image_hash,
            done.nonce,
        ):
            raise PolicyError("another key manager has taken over already")
        return Retired(done.nonce, retired_proof(manager.master, done.nonce))

    def _grant(self, peer: VerifiedPeer) -> Grant:
        manager = self._manager
        if not manager.root.is_fresh or manager.root.current.version < manager.state.root_version:
            raise PolicyError("the root configuration is too old")
        try:
            check_evidence(peer, manager.now(), production=not manager.settings.is_test)
            rules, root = manager.settings.rules, manager.root.current
            return find_grant(manager.state, peer.image_hash, rules, root, manager.now())
        except (PolicyError, RefusedError) as error:
            manager.refused(peer, str(error))
            raise


def _words(grant: Grant) -> str:
    return f"approval {grant.serial}" if grant.serial else "listed in the root contract"
