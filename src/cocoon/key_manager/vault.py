"""The master secret on disk: sealed to this guest, made new on purpose only."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cocoon.errors import ConfigError
from cocoon.key_manager.master import MASTER_BYTES, MasterSecret
from cocoon.net.state_file import write_private
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.keyring import Keyring, load_keyring, seal_keyring

SEAL_NAME: Final = "key_manager"
"""The name under which the seal service gives a key manager its key."""
MASTER_FILE: Final = "master.keyring"
_ENTRY = "master"


class Vault:
    """The sealed file in a key manager's directory.

    Args:
        directory: of the key manager.
        unseal: gets this guest's persistent key; asked once.
    """

    def __init__(self, directory: Path, unseal: Callable[[], PersistentKey]) -> None:
        self._path = directory / MASTER_FILE
        self._unseal = unseal
        self._key: PersistentKey | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self._path.exists()

    def load(self) -> MasterSecret | None:
        """The master secret; None if there is no file.

        Raises:
            ConfigError: the file does not open here.
            CocoonError: the seal service cannot be used.
        """
        keyring = load_keyring(self._path, self._sealing_key())
        if keyring is None:
            return None
        if _ENTRY not in keyring.secrets:
            raise ConfigError(f"{self._path} holds no master secret")
        return MasterSecret(keyring.secrets[_ENTRY])

    def save(self, master: MasterSecret) -> None:
        """Seal and store it; one that does not open any more is kept beside it.

        Raises:
            StoreError: it cannot be written.
            CocoonError: the seal service cannot be used.
        """
        if self._holds(master):
            return
        content = seal_keyring(Keyring().with_secret(_ENTRY, master.reveal()), self._sealing_key())
        if self._path.exists():
            aside = self._path.with_name(f"{MASTER_FILE}.{os.urandom(4).hex()}.old")
            self._path.rename(aside)
        write_private(self._path, content)

    def _holds(self, master: MasterSecret) -> bool:
        try:
            known = self.load()
        except ConfigError:
            return False
        return known is not None and known.reveal() == master.reveal()

    def create(self) -> MasterSecret:
        """A new master secret, sealed and stored; raises as :meth:`save`."""
        master = MasterSecret(os.urandom(MASTER_BYTES))
        self.save(master)
        return master

    def _sealing_key(self) -> PersistentKey:
        if self._key is None:
            self._key = self._unseal()
        return self._key
