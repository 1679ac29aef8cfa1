"""Messages by which one key manager gives the master secret to the next, and their checks. Pure.

They travel inside RA-TLS between two attested machines, as frames ``u32 length || JSON``::

    new → old   Ask     nonce, which key manager
    old → new   Give    the same nonce, master secret, state
    new → old   Done    the same nonce, proof of possession      (after it is sealed and stored)
    old → new   Retired the same nonce, proof of possession      (after it is stored)

The nonce is the new one's, so an answer that was recorded is refused; the grant is used up before
``Retired`` is sent, so the same permission gives nothing twice. A new one that did not hear
``Retired`` sends ``Done`` again, and the old one repeats its answer.
"""

import hmac
import struct
from typing import Final

import msgspec

from cocoon.errors import ConfigError, DecodeError, LocalProtocolError, RemoteProtocolError
from cocoon.key_manager.master import ID_BYTES, MASTER_BYTES, PROOF_BYTES, MasterSecret
from cocoon.key_manager.state import MAX_STATE_BYTES, ManagerState
from cocoon.tl import Reticent

NONCE_BYTES: Final = 32
MAX_SMALL: Final = 4096
"""Bytes of a message that holds no state."""
MAX_MESSAGE: Final = MAX_STATE_BYTES * 3 // 2
"""Bytes of any message: a state in base64, and the rest."""
HEADER_BYTES: Final = 4
_LENGTH = struct.Struct("<I")


class Ask(Reticent, frozen=True, tag="ask", forbid_unknown_fields=True):
    """Give me the secret of this key manager (empty: of whichever you are)."""

    nonce: bytes
    manager_id: bytes = b""


class Give(Reticent, frozen=True, tag="give", forbid_unknown_fields=True):
    """Here it is, with the state as it is to go on from."""

    nonce: bytes
    master: bytes
    state: bytes


class Done(Reticent, frozen=True, tag="done", forbid_unknown_fields=True):
    """It is sealed and stored here; ``generation`` is that of the state that came."""

    nonce: bytes
    generation: int
    proof: bytes


class Retired(Reticent, frozen=True, tag="retired", forbid_unknown_fields=True):
    """Nothing is given out here any more."""

    nonce: bytes
    proof: bytes


class Refused(Reticent, frozen=True, tag="refused", forbid_unknown_fields=True):
    """No; says why."""

    reason: str


Message = Ask | Give | Done | Retired | Refused


def encode(message: Message) -> bytes:
    """A message with its length in front.

    Raises:
        LocalProtocolError: it is too long.
    """
    data = msgspec.json.encode(message)
    if len(data) > MAX_MESSAGE:
        raise LocalProtocolError(f"a handover message of {len(data)} bytes")
    return _LENGTH.pack(len(data)) + data


def decode(data: bytes) -> Message:
    """Read a message without its length.

    Raises:
        DecodeError: it is none, or a part of it has a wrong length.
    """
    if len(data) > MAX_MESSAGE:
        raise DecodeError(f"a handover message of {len(data)} bytes")
    try:
        message: Message = msgspec.json.decode(data, type=Message)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise DecodeError("not a handover message") from None
    sizes = {
        "nonce": (NONCE_BYTES,),
        "manager_id": (0, ID_BYTES),
        "master": (MASTER_BYTES,),
        "proof": (PROOF_BYTES,),
    }
    for name, allowed in sizes.items():
        if len(getattr(message, name, bytes(allowed[0]))) not in allowed:
            raise DecodeError(f"{name} of a handover message has a wrong length")
    return message


class FrameBuffer:
    """Cuts a stream into messages.

    Args:
        limit: bytes of a message at most.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Take bytes; returns the messages that are complete.

        Raises:
            DecodeError: a message is too long, or is none.
        """
        self._buffer += data
        messages = []
        while len(self._buffer) >= HEADER_BYTES:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > self._limit:
                raise DecodeError(f"a handover message of {length} bytes, at most {self._limit}")
            end = HEADER_BYTES + length
            if len(self._buffer) < end:
                break
            messages.append(decode(bytes(self._buffer[HEADER_BYTES:end])))
            del self._buffer[:end]
        return messages


def done_proof(master: MasterSecret, nonce: bytes, generation: int) -> bytes:
    """What ``Done`` carries."""
    return master.proof(b"done\0" + nonce + generation.to_bytes(8, "little"))


def retired_proof(master: MasterSecret, nonce: bytes) -> bytes:
    """What ``Retired`` carries."""
    return master.proof(b"retired\0" + nonce)


def accept_gift(
    gift: Give, nonce: bytes, expected_id: bytes | None
) -> tuple[MasterSecret, ManagerState]:
    """Check what an old key manager gave.

    Args:
        gift: its message.
        nonce: ours.
        expected_id: the key manager that we are to continue, or None for any.

    Raises:
        RemoteProtocolError: an old answer, another key manager, or a state that does not read.
    """
    if not hmac.compare_digest(gift.nonce, nonce):
        raise RemoteProtocolError("the handover answers another question: an old one, replayed?")
    try:
        master = MasterSecret(gift.master)
    except ConfigError as error:
        raise RemoteProtocolError(str(error)) from None
    if expected_id is not None and master.manager_id != expected_id:
        raise RemoteProtocolError("the handover is of another key manager than configured")
    state = ManagerState.from_bytes(gift.state)
    if state.handover_nonce != nonce or state.successor is not None or state.confirmed:
        raise RemoteProtocolError("the state that was handed over is not one to go on from")
    return master, state


def check_done(message: Done, master: MasterSecret) -> None:
    """Require proof that the sender holds our master secret.

    Raises:
        RemoteProtocolError: it is wrong.
    """
    if not 0 <= message.generation < 2**53:
        raise RemoteProtocolError("a generation is out of range")
    expected = done_proof(master, message.nonce, message.generation)
    if not hmac.compare_digest(expected, message.proof):
        raise RemoteProtocolError("the peer does not hold the master secret")


def check_retired(message: Retired, master: MasterSecret, nonce: bytes) -> None:
    """Require proof that the sender holds our master secret and means this handover.

    Raises:
        RemoteProtocolError: it is wrong.
    """
    if message.nonce != nonce or not hmac.compare_digest(
        retired_proof(master, nonce), message.proof
    ):
        raise RemoteProtocolError("the end of the handover is not of the old key manager")
