"""Any bytes as a seal message, a sealed file or an address: refused, or read and written back."""

import contextlib

from cocoon.errors import ConfigError, DecodeError
from cocoon.sealing.derivation import PersistentKey
from cocoon.sealing.endpoint import SealEndpoint
from cocoon.sealing.keyring import Keyring, open_keyring, seal_keyring
from cocoon.sealing.messages import GetPersistentKey, PersistentKeyAnswer, frame_length

_KEY = PersistentKey(b"k" * 32, "app")
_REQUEST = GetPersistentKey(bytes(1024), bytes(64), b"app").to_bytes()
_FILE = seal_keyring(Keyring().with_secret("machine_key", b"s" * 32), _KEY)


def fuzz_one(data: bytes) -> None:
    """The first byte chooses what the rest is, and whether it is laid over a genuine one."""
    choice, rest = data[:1] or b"\0", data[1:]
    genuine = _FILE if choice[0] & 2 else _REQUEST
    content = _laid_over(genuine, rest) if choice[0] & 1 else rest
    _message(content)
    _file(content, changed=content != _FILE)
    with contextlib.suppress(DecodeError):
        frame_length(content[:4])
    with contextlib.suppress(ConfigError):
        SealEndpoint.parse(content.decode("latin-1"))


def _message(content: bytes) -> None:
    for kind in (GetPersistentKey, PersistentKeyAnswer):
        try:
            message = kind.from_bytes(content)
        except DecodeError:
            continue
        if kind.from_bytes(message.to_bytes()) != message:
            raise AssertionError("a seal message does not round-trip")


def _file(content: bytes, *, changed: bool) -> None:
    try:
        keyring = open_keyring(content, _KEY)
    except ConfigError:
        return
    if changed and keyring.secrets != {"machine_key": b"s" * 32}:
        raise AssertionError("a changed keyring opens")


def _laid_over(genuine: bytes, mask: bytes) -> bytes:
    return bytes(
        byte ^ (mask[index] if index < len(mask) else 0) for index, byte in enumerate(genuine)
    )


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
