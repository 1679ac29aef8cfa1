"""Any bytes as a handover message, a stored state, a record, an approval or a line of the log."""

import contextlib
from collections.abc import Callable

from cocoon.errors import CocoonError, ConfigError, DecodeError, StoreError
from cocoon.key_manager.approval import Approval
from cocoon.key_manager.audit import parse_line
from cocoon.key_manager.handover import MAX_SMALL, Ask, FrameBuffer, Give, decode, encode
from cocoon.key_manager.master import MasterSecret
from cocoon.key_manager.records import KeyRecord
from cocoon.key_manager.state import ManagerState
from cocoon.key_manager.store import open_state, seal_state

_MASTER = MasterSecret(b"m" * 32)
_RECORD = KeyRecord(
    private_key=b"k" * 32,
    for_proxies=True,
    for_workers=False,
    since_version=1,
    valid_since=1,
    valid_until=2,
).to_bytes()
_STATE = ManagerState(keys=(_RECORD,), listed={b"h" * 32: 5})
_GENUINE = (
    encode(Ask(b"n" * 32))[4:],
    encode(Give(b"n" * 32, b"m" * 32, _STATE.to_bytes()))[4:],
    _STATE.to_bytes(),
    seal_state(_STATE, _MASTER),
    _RECORD,
    Approval(b"m" * 32, b"i" * 32, 1, 0, 9, ((b"p" * 32, b"s" * 64),)).to_json(),
)


def fuzz_one(data: bytes) -> None:
    """The first byte chooses a genuine thing that the rest is laid over, or none."""
    choice, rest = (data[0] if data else 0), data[1:]
    content = rest
    if choice % 8 < len(_GENUINE):
        content = _laid_over(_GENUINE[choice % 8], rest)
    _round_trip(lambda: encode(decode(content))[4:], decode, DecodeError)
    _round_trip(lambda: ManagerState.from_bytes(content).to_bytes(), ManagerState.from_bytes,
                DecodeError)  # fmt: skip
    _round_trip(lambda: KeyRecord.from_bytes(content).to_bytes(), KeyRecord.from_bytes, DecodeError)
    _round_trip(lambda: Approval.from_json(content).to_json(), Approval.from_json, ConfigError)
    for read in (lambda: open_state(content, _MASTER), lambda: parse_line(content)):
        with contextlib.suppress(StoreError):
            read()
    with contextlib.suppress(DecodeError):
        FrameBuffer(MAX_SMALL).feed(content)


def _round_trip(
    write: Callable[[], bytes], read: Callable[[bytes], object], refusal: type[CocoonError]
) -> None:
    try:
        written = write()
    except refusal:
        return
    again = read(written)
    if again != read(written):
        raise AssertionError("does not round-trip")


def _laid_over(genuine: bytes, mask: bytes) -> bytes:
    return bytes(
        byte ^ (mask[index] if index < len(mask) else 0) for index, byte in enumerate(genuine)
    )


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
