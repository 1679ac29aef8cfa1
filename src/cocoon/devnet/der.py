"""The few DER forms that the simulated platform's certificate needs."""


def _tlv(tag: int, body: bytes) -> bytes:
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + body


def sequence(*items: bytes) -> bytes:
    """SEQUENCE of encoded items."""
    return _tlv(0x30, b"".join(items))


def octets(value: bytes) -> bytes:
    """OCTET STRING."""
    return _tlv(0x04, value)


def integer(value: int) -> bytes:
    """INTEGER, not negative."""
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def enumerated(value: int) -> bytes:
    """ENUMERATED, 0 to 127."""
    return _tlv(0x0A, bytes([value]))


def boolean(value: bool) -> bytes:
    """BOOLEAN."""
    return _tlv(0x01, b"\xff" if value else b"\x00")


def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form."""
    first, second, *rest = (int(part) for part in dotted.split("."))
    body = bytearray([first * 40 + second])
    for part in rest:
        groups = [part & 0x7F]
        while part := part >> 7:
            groups.append(0x80 | (part & 0x7F))
        body += bytes(reversed(groups))
    return _tlv(0x06, bytes(body))
