"""What TON Connect's ``sendTransaction`` asks of a wallet, read with limits.

Source: https://github.com/ton-blockchain/ton-connect/blob/main/requests-responses.md.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

import msgspec

from cocoon.chain.address import Address, parse_with_flags
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import DEPLOY_ALLOWANCE, FEE_ALLOWANCE
from cocoon.errors import BadRequestError, DecodeError

MAX_MESSAGES: Final = 4
"""In one request: what wallets that are not v5 take."""
MAX_REQUEST_CHARS: Final = 64 * 1024
MAX_COINS: Final = 2**63 - 1

_AMOUNT = re.compile(r"[0-9]{1,19}", re.ASCII)
_PAY_FEES_APART = 1
_COMMENT_BITS = 32


class _MessageIn(msgspec.Struct, frozen=True):
    address: str
    amount: str
    payload: str | None = None
    state_init: str | None = msgspec.field(default=None, name="stateInit")
    extra_currency: dict[str, str] | None = None


class _RequestIn(msgspec.Struct, frozen=True):
    messages: list[_MessageIn]
    valid_until: int | None = None
    network: str | None = None
    source: str | None = msgspec.field(default=None, name="from")


@dataclass(frozen=True, slots=True)
class Transfer:
    """A ``sendTransaction`` that was read.

    Attributes:
        messages: what the wallet shall send.
        valid_until: Unix seconds after which it must not; None: no limit.
        network: TON Connect's network id that is asked for, or None.
        source: the wallet's address that is asked for, or None.
    """

    messages: tuple[OutMessage, ...]
    valid_until: int | None
    network: str | None
    source: Address | None

    @property
    def total(self) -> int:
        """NanoTON that leave the wallet, fees aside."""
        return sum(message.value for message in self.messages)

    @property
    def need(self) -> int:
        """NanoTON that the wallet must hold."""
        deployments = sum(message.init is not None for message in self.messages)
        return self.total + FEE_ALLOWANCE * len(self.messages) + DEPLOY_ALLOWANCE * deployments


def read_transfer(text: str) -> Transfer:
    """Read the parameter of ``sendTransaction``, a JSON text.

    Raises:
        BadRequestError: malformed, too large, or asks for what the wallet cannot do.
    """
    if len(text) > MAX_REQUEST_CHARS:
        raise BadRequestError("the request is too large")
    try:
        request = msgspec.json.decode(text.encode(), type=_RequestIn)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        raise BadRequestError("the request is not what sendTransaction takes") from None
    if not 1 <= len(request.messages) <= MAX_MESSAGES:
        raise BadRequestError(f"a request has 1 to {MAX_MESSAGES} messages")
    try:
        messages = tuple(_message(message) for message in request.messages)
        source = None if request.source is None else Address.parse(request.source)
        for message in messages:
            message.cell()
    except (DecodeError, binascii.Error, ValueError) as error:
        raise BadRequestError(f"the request cannot be read: {error}") from None
    return Transfer(messages, request.valid_until, request.network, source)


def _message(given: _MessageIn) -> OutMessage:
    if given.extra_currency:
        raise BadRequestError("the wallet has TON only")
    if not _AMOUNT.fullmatch(given.amount) or int(given.amount) > MAX_COINS:
        raise BadRequestError("an amount is a number of nanoTON")
    to = parse_with_flags(given.address)
    init = None if given.state_init is None else _cell(given.state_init)
    return OutMessage(
        to.address,
        int(given.amount),
        EMPTY_CELL if given.payload is None else _cell(given.payload),
        bounce=to.bounceable is True,
        init=init,
        mode=_PAY_FEES_APART,
    )


def _cell(text: str) -> Cell:
    return from_boc(base64.b64decode(text, validate=True))


def read_comment(body: Cell) -> str:
    """The text of a transfer; empty where it has none that fits one cell."""
    if body.exotic or body.bits <= _COMMENT_BITS or body.bits % 8:
        return ""
    raw = body.data.to_bytes(body.bits // 8, "big")
    if raw[:4] != bytes(4):
        return ""
    try:
        text = raw[4:].decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""
