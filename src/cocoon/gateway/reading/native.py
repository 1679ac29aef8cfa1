"""What a caller can ask of Cocoon itself: price, time, pins and budget, as fields or headers.

Each field has a header for programs that cannot add fields. A field wins over its header; both are
checked. None of them enters the network.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Raw

from cocoon.accounting import Nano
from cocoon.accounting.amount import MAX_AMOUNT
from cocoon.client.proxy_pins import NO_PINS, ProxyPins
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.fields import INT32_MAX, Members, invalid_type, invalid_value
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

MAX_GUID: Final = 256
MAX_PINS: Final = 64
"""Values in one pin."""
MAX_USER: Final = 256
"""Characters in the name of an end user."""

KINDS: Final = ("tdx", "snp", "tdx-simulated", "snp-simulated", "fake_tdx")
"""Kinds of evidence that a pin can name."""

_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Kind = Literal["tdx", "snp", "tdx-simulated", "snp-simulated", "fake_tdx"]
_Limited = msgspec.Meta(max_length=MAX_PINS)
_number = msgspec.json.Decoder(float)
_decimal = re.compile(rb"\d{1,9}(\.\d{1,9})?")


class _Pin(msgspec.Struct, forbid_unknown_fields=True):
    """The JSON form of :class:`~cocoon.client.proxy_pins.ProxyPins`."""

    proxy_images: Annotated[list[_Hex32], _Limited] | None = None
    evidence: Annotated[list[_Kind], _Limited] | None = None
    operators: Annotated[list[_Hex32], _Limited] | None = None


_pin = msgspec.json.Decoder(_Pin)

NATIVE_FIELDS: Final = frozenset(
    {"max_coefficient", "timeout", "enable_debug", "request_guid", "pin", "max_cost", "user"}
)
_HEADERS: Final = frozenset(
    {
        b"x-cocoon-max-coefficient",
        b"x-cocoon-max-cost",
        b"x-cocoon-timeout",
        b"x-cocoon-user",
        b"x-cocoon-pin-image",
        b"x-cocoon-pin-evidence",
        b"x-cocoon-pin-operator",
    }
)


class Native(msgspec.Struct, frozen=True):
    """What one call demands of Cocoon.

    Attributes:
        max_coefficient: highest price multiplier accepted, × 1000.
        timeout: seconds for the whole answer.
        debug: the debug record of every hop is wanted.
        pins: what the proxy must be.
        max_cost: nanoTON that the request may cost at most, or None.
        user: the end user, or empty.
    """

    max_coefficient: int
    timeout: float
    debug: bool = False
    pins: ProxyPins = NO_PINS
    max_cost: Nano | None = None
    user: str = ""


def take_native(
    members: Members, headers: Mapping[bytes, bytes], settings: GatewaySettings
) -> Native:
    """Take Cocoon's own fields out of a body; headers fill in what it does not say.

    Raises:
        Refusal: a field or a header is wrong; ``param`` names which.
    """
    if NATIVE_FIELDS.isdisjoint(members) and _HEADERS.isdisjoint(headers):
        return Native(settings.default_max_coefficient, settings.default_timeout)
    told = Native(
        _first(
            _header_int(headers, b"x-cocoon-max-coefficient", INT32_MAX),
            settings.default_max_coefficient,
        ),
        _header_timeout(headers, settings),
        pins=_header_pins(headers),
        max_cost=_nano(_header_int(headers, b"x-cocoon-max-cost", MAX_AMOUNT)),
        user=_header_user(headers),
    )
    return _merged(members, told, settings)


def _merged(members: Members, told: Native, settings: GatewaySettings) -> Native:
    coefficient = fields.take_int(members.pop("max_coefficient", None), "max_coefficient")
    cost = fields.take_int(members.pop("max_cost", None), "max_cost", 0, MAX_AMOUNT)
    timeout = members.pop("timeout", None)
    debug = fields.take_bool(members.pop("enable_debug", None), "enable_debug")
    user = members.pop("user", None)
    pin = members.pop("pin", None)
    _take_guid(members)
    return Native(
        _first(coefficient, told.max_coefficient),
        told.timeout if timeout is None else _timeout(timeout, settings),
        debug,
        told.pins if pin is None else _pins(pin),
        told.max_cost if cost is None else Nano(cost),
        told.user if user is None else _user(user),
    )


def _first(value: int | None, default: int) -> int:
    return default if value is None else value


def _nano(value: int | None) -> Nano | None:
    return None if value is None else Nano(value)


def _timeout(raw: Raw, settings: GatewaySettings) -> float:
    try:
        seconds = _number.decode(raw)
    except msgspec.DecodeError:
        raise invalid_type(raw, "timeout", "a number of seconds") from None
    if not seconds > 0:
        raise invalid_value("timeout", "expected a number of seconds above 0.")
    return min(seconds, settings.max_timeout)


def _take_guid(members: Members) -> None:
    """Remove ``request_guid``; the debug records that it names are not kept here."""
    raw = members.pop("request_guid", None)
    if raw is not None:
        fields.take_string(raw, "request_guid", MAX_GUID)


def _user(raw: Raw) -> str:
    text = fields.take_string(raw, "user", MAX_USER)
    if not text.isprintable():
        raise invalid_value("user", "expected printable characters.")
    return text


def _pins(raw: Raw) -> ProxyPins:
    try:
        pin = _pin.decode(raw)
    except msgspec.DecodeError:
        raise Refusal(
            "'pin' must be an object with 'proxy_images' and 'operators' (hex of 32 bytes) and "
            f"'evidence' (kinds such as tdx and snp), each an array of at most {MAX_PINS}",
            param="pin",
            code="invalid_value",
        ) from None
    return ProxyPins(_frozen(pin.proxy_images), _frozen(pin.evidence), _frozen(pin.operators))


def _frozen(values: Sequence[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


# --- headers ---


def _header_int(headers: Mapping[bytes, bytes], name: bytes, limit: int) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not text.isdigit() or len(text) > 19 or int(text) > limit:
        raise _bad_header(name, f"expected an integer from 0 to {limit}.")
    return int(text)


def _header_timeout(headers: Mapping[bytes, bytes], settings: GatewaySettings) -> float:
    text = headers.get(b"x-cocoon-timeout")
    if text is None:
        return settings.default_timeout
    if not _decimal.fullmatch(text) or not float(text) > 0:
        raise _bad_header(b"x-cocoon-timeout", "expected a number of seconds above 0.")
    return min(float(text), settings.max_timeout)


def _header_user(headers: Mapping[bytes, bytes]) -> str:
    raw = headers.get(b"x-cocoon-user")
    if raw is None:
        return ""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _bad_header(b"x-cocoon-user", "expected UTF-8.") from None
    if len(text) > MAX_USER or not text.isprintable():
        raise _bad_header(
            b"x-cocoon-user", f"expected at most {MAX_USER} characters, all printable."
        )
    return text


def _header_pins(headers: Mapping[bytes, bytes]) -> ProxyPins:
    images = _words(headers, b"x-cocoon-pin-image")
    kinds = _words(headers, b"x-cocoon-pin-evidence")
    operators = _words(headers, b"x-cocoon-pin-operator")
    if images is None and kinds is None and operators is None:
        return NO_PINS
    _check_hex(images, b"x-cocoon-pin-image")
    _check_hex(operators, b"x-cocoon-pin-operator")
    if kinds is not None and not kinds <= frozenset(KINDS):
        raise _bad_header(
            b"x-cocoon-pin-evidence", f"expected some of {', '.join(KINDS)}, separated by commas."
        )
    return ProxyPins(images, kinds, operators)


def _words(headers: Mapping[bytes, bytes], name: bytes) -> frozenset[str] | None:
    raw = headers.get(name)
    if raw is None:
        return None
    words = [word.strip() for word in raw.decode("latin-1").split(",")]
    if len(words) > MAX_PINS:
        raise _bad_header(name, f"expected at most {MAX_PINS} values.")
    return frozenset(words)


def _check_hex(words: frozenset[str] | None, name: bytes) -> None:
    for word in words or ():
        if len(word) != 64 or not set(word) <= set("0123456789abcdef"):
            raise _bad_header(name, "expected 64 lower-case hex digits, several with commas.")


def _bad_header(name: bytes, advice: str) -> Refusal:
    return invalid_value(name.decode(), advice)
