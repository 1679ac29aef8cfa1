"""The key manager's state on disk, encrypted under its master secret; always whole.

JSON like a keyring: everything but the ciphertext is bound to it. Whoever has the disk can put an
old copy back; what that can and cannot do is in ``docs/explanation/sealed-keys.md``.
"""

import os
from pathlib import Path
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cocoon.errors import DecodeError, StoreError
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.state import MAX_STATE_BYTES, ManagerState
from cocoon.net.state_file import write_private

MAX_FILE_BYTES: Final = 2 * MAX_STATE_BYTES
_NONCE_BYTES = 12


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["cocoon-key-manager-store"]
    version: Literal[1]
    manager_id: bytes
    generation: int
    nonce: bytes
    ciphertext: bytes


def seal_state(state: ManagerState, master: MasterSecret) -> bytes:
    """The file's content."""
    empty = _Document(
        format="cocoon-key-manager-store",
        version=1,
        manager_id=master.manager_id,
        generation=state.generation,
        nonce=os.urandom(_NONCE_BYTES),
        ciphertext=b"",
    )
    bound = msgspec.json.encode(empty)
    sealed = AESGCM(master.store_key).encrypt(empty.nonce, state.to_bytes(), bound)
    return msgspec.json.encode(msgspec.structs.replace(empty, ciphertext=sealed)) + b"\n"


def open_state(data: bytes, master: MasterSecret) -> ManagerState:
    """Read a file's content.

    Raises:
        StoreError: not such a file, of another key manager, or changed.
    """
    if len(data) > MAX_FILE_BYTES:
        raise StoreError("a key manager's store is larger than it can be")
    try:
        document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise StoreError("not a key manager's store of version 1") from None
    if document.manager_id != master.manager_id:
        raise StoreError("the store is of another key manager than the master secret")
    if len(document.nonce) != _NONCE_BYTES:
        raise StoreError("not a key manager's store of version 1")
    bound = msgspec.json.encode(msgspec.structs.replace(document, ciphertext=b""))
    try:
        aead = AESGCM(master.store_key)
        state = ManagerState.from_bytes(aead.decrypt(document.nonce, document.ciphertext, bound))
    except InvalidTag:
        raise StoreError("the store was changed by somebody else; restore a copy of it") from None
    except DecodeError as error:
        raise StoreError(f"the store does not read: {error}") from None
    if state.generation != document.generation:
        raise StoreError("the store names another generation than it holds")
    return state


class StateStore:
    """The file.

    Args:
        path: where it is.
        master: encrypts it.
    """

    def __init__(self, path: Path, master: MasterSecret) -> None:
        self._path = path
        self._master = master

    def load(self) -> ManagerState | None:
        """The state, or None if there is no file.

        Raises:
            StoreError: it cannot be read; see :func:`open_state`.
        """
        try:
            with self._path.open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror}") from None
        try:
            return open_state(content, self._master)
        except StoreError as error:
            raise StoreError(f"{self._path}: {error}") from None

    def save(self, state: ManagerState) -> None:
        """Replace it; on disk when this returns.

        Raises:
            StoreError: it cannot be written; the old content is still there.
        """
        write_private(self._path, seal_state(state, self._master))
