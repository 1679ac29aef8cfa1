"""The role: recovers the master secret, opens the ports, keeps time."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from cocoon.errors import CocoonError, ConfigError
from cocoon.key_manager.manager import STATE_FILE, KeyManager
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.ports import HandoverPortHandler, PeerPortHandler
from cocoon.key_manager.settings import KeyManagerSettings, PeerPort
from cocoon.key_manager.state import ManagerState
from cocoon.key_manager.status import status_app
from cocoon.key_manager.store import StateStore
from cocoon.key_manager.takeover import confirm_or_take_over, take_over
from cocoon.key_manager.terms import check_terms, terms_hash
from cocoon.key_manager.vault import Vault
from cocoon.net.http_server import HttpServer
from cocoon.net.link import Link
from cocoon.net.ratls import RatlsServer, listen_ratls
from cocoon.net.root_source import RootSource
from cocoon.net.state_file import FileLock
from cocoon.wire.connection import Role
from cocoon.wire.key_manager import UNKNOWN_QUERY

TICK: Final = 30.0
"""Seconds between looks at what time makes due."""
LOCK_FILE: Final = "lock"

_log = structlog.get_logger(__name__)


class KeyManagerRole:
    """A running key manager; see :class:`~.settings.KeyManagerSettings`.

    Args:
        settings: what it is told.
        clock: unix seconds.
    """

    def __init__(
        self, settings: KeyManagerSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        settings.root.check_is_test(settings.is_test)
        self.settings = settings
        self._clock = clock
        self._lock = FileLock(settings.directory / LOCK_FILE)
        self._vault = Vault(settings.directory, settings.unseal)
        self._terms = terms_hash(settings.root.address, settings.is_test, settings.rules)
        self._root: RootSource | None = None
        self._manager: KeyManager | None = None
        self._peers: PeerPortHandler | None = None
        self._handovers: HandoverPortHandler | None = None
        self._listeners: list[RatlsServer] = []
        self._http: HttpServer | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def manager(self) -> KeyManager:
        """What it keeps; after :meth:`start`.

        Raises:
            ConfigError: it has not started.
        """
        if self._manager is None:
            raise ConfigError("the key manager has not started")
        return self._manager

    @property
    def port(self) -> int:
        """The port for proxies and workers."""
        return self._listeners[0].port

    @property
    def handover_port(self) -> int:
        """The port for the next key manager.

        Raises:
            ConfigError: there is none.
        """
        if self.settings.handovers is None:
            raise ConfigError("this key manager accepts no handovers")
        return self._listeners[1].port

    @property
    def http_port(self) -> int:
        """The port of the status page.

        Raises:
            ConfigError: there is none.
        """
        if self._http is None:
            raise ConfigError("this key manager has no status page")
        return self._http.port

    @property
    def connections(self) -> int:
        """Peers that are connected."""
        return 0 if self._peers is None else self._peers.connections

    @property
    def ready(self) -> bool:
        """Whether listed peers get their keys now."""
        manager = self._manager
        return (
            manager is not None
            and manager.healthy
            and manager.state.successor is None
            and manager.root.is_fresh
        )

    async def start(self) -> None:
        """Recover, then listen.

        Raises:
            ConfigError: there is no master secret, or it does not open here; says what to do.
            StoreError: the store or the log was changed, or another process uses them.
            AttestationError: the seal service or the predecessor is not trusted, or refuses us.
            ChainError: TON cannot be reached.
            UnavailableError: a port cannot be used, or the predecessor cannot be reached.
        """
        self._lock.take()
        try:
            self._root = self.settings.new_root_source()
            await self._root.start()
            master, state = await self._recover()
            check_terms(state, self._terms)
            self._manager = KeyManager(self.settings, master, state, self._root, clock=self._clock)
            if self._store(master).load() != self._manager.state:  # a handover was confirmed
                self._manager.commit(self._manager.state)
            await self._listen(self._manager)
        except BaseException:
            await self.close()
            raise
        self._ticking = asyncio.create_task(self._tick())
        _log.info("key manager", manager_id=master.manager_id.hex(), keys=len(state.keys))

    async def close(self) -> None:
        """Stop."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        for listener in self._listeners:
            await listener.close()
        if self._peers is not None:
            self._peers.close_all()
        if self._handovers is not None:
            self._handovers.close_all()
        if self._http is not None:
            await self._http.stop()
        if self._root is not None:
            await self._root.close()
        self._lock.release()

    # --- recovery ---------------------------------------------------------------------------

    async def _recover(self) -> tuple[MasterSecret, ManagerState]:
        settings, old = self.settings, self.settings.predecessor
        try:
            master = await asyncio.to_thread(self._vault.load)
        except ConfigError as error:
            if old is None:
                raise ConfigError(
                    f"{error}; name a key manager that still runs under [predecessor] to get the "
                    "master secret from it"
                ) from None
            _log.warning("the sealed master secret does not open here; asking the predecessor")
            return await take_over(old, settings.identity, self._keep)
        state = None if master is None else self._store(master).load()
        if master is None:
            return await self._begin()
        if state is None:
            raise ConfigError(
                f"{settings.directory / STATE_FILE} is missing although there is a master secret: "
                "restore it; it is encrypted and may be kept anywhere"
            )
        if old is None:
            if not state.confirmed:
                _log.warning("the handover was never confirmed: is the old key manager gone?")
            return master, state
        if state.successor is not None:
            return await take_over(old, settings.identity, self._keep, known=state)
        if not state.confirmed:
            return await confirm_or_take_over(old, settings.identity, self._keep, master, state)
        return master, state

    async def _begin(self) -> tuple[MasterSecret, ManagerState]:
        """The first start: take over, or make a new master secret if that was asked for."""
        settings = self.settings
        if settings.predecessor is not None:
            return await take_over(settings.predecessor, settings.identity, self._keep)
        if (settings.directory / STATE_FILE).exists():
            raise ConfigError(
                f"there is a store in {settings.directory} but no sealed master secret: restore it"
            )
        if not settings.create:
            raise ConfigError(
                "there is no master secret yet: set `create = true` for a new key manager, or name "
                "the one to take over from under [predecessor]"
            )
        master = await asyncio.to_thread(self._vault.create)
        state = ManagerState(terms=self._terms)
        self._store(master).save(state)
        return master, state

    def _keep(self, master: MasterSecret, state: ManagerState) -> None:
        check_terms(state, self._terms)
        self._vault.save(master)
        self._store(master).save(state)

    def _store(self, master: MasterSecret) -> StateStore:
        return StateStore(self.settings.directory / STATE_FILE, master)

    # --- running ----------------------------------------------------------------------------

    async def _listen(self, manager: KeyManager) -> None:
        settings = self.settings
        peers = self._peers = PeerPortHandler(manager, settings.peers.max_connections)
        self._listeners.append(
            await self._port(
                settings.peers,
                lambda: Link(Role.ACCEPTOR, peers, unknown_query=UNKNOWN_QUERY),
            )
        )
        if settings.handovers is not None:
            self._handovers = HandoverPortHandler(manager)
            self._listeners.append(await self._port(settings.handovers, self._handovers.new_pipe))
        if settings.http_port is not None:
            self._http = HttpServer(status_app(self), settings.http_host, settings.http_port)
            await self._http.start()

    async def _port(
        self, port: PeerPort, application: Callable[[], asyncio.Protocol]
    ) -> RatlsServer:
        return await listen_ratls(
            application,
            port.host,
            port.port,
            identity=self.settings.identity,
            policy=port.policy,
            pow_difficulty=port.pow_difficulty,
        )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            try:
                self.manager.tick()
            except CocoonError as error:
                _log.error("what is due could not be done", reason=str(error))
