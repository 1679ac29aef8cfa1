"""Give back the memory that a TLS connection no longer needs.

OpenSSL's memory BIOs grow to the most that ever waited in them and never shrink: 16 KB after a
handshake with evidence, a third more than the longest read after that. A proxy holds thousands of
idle connections, so empty BIOs are put in their place. pyOpenSSL has no call for this; its private
names are used here and nowhere else, and a pyOpenSSL without them only costs the memory.
"""

from typing import Any, Final

from OpenSSL import SSL

_LIB: Final[Any] = getattr(SSL, "_lib", None)
_FFI: Final[Any] = getattr(SSL, "_ffi", None)
_FUNCTIONS: Final = ("BIO_new", "BIO_s_mem", "BIO_free", "BIO_read", "BIO_write", "SSL_set_bio")
_FIELDS: Final = ("_ssl", "_into_ssl", "_from_ssl")
_PIECE: Final = 4096
POSSIBLE: Final = _FFI is not None and all(hasattr(_LIB, name) for name in _FUNCTIONS)
"""Whether this pyOpenSSL has what is needed."""


def release_buffers(tls: SSL.Connection) -> bool:
    """Replace the BIOs of a connection by empty ones that hold the same unread bytes.

    Args:
        tls: a connection over memory; everything that it had to send must have been taken.

    Returns:
        Whether it was done.
    """
    if not POSSIBLE or not all(hasattr(tls, name) for name in _FIELDS):
        return False
    connection: Any = tls
    incoming, outgoing = _new_bio(), _new_bio()
    if incoming is None or outgoing is None:
        for bio in (incoming, outgoing):
            if bio is not None:
                _LIB.BIO_free(bio)
        return False
    _move(connection._into_ssl, incoming)
    _move(connection._from_ssl, outgoing)
    _LIB.SSL_set_bio(connection._ssl, incoming, outgoing)  # frees the old ones
    connection._into_ssl, connection._from_ssl = incoming, outgoing
    return True


def _new_bio() -> Any:
    bio = _LIB.BIO_new(_LIB.BIO_s_mem())
    return None if bio == _FFI.NULL else bio


def _move(source: Any, target: Any) -> None:
    piece = _FFI.new("char[]", _PIECE)
    while (size := _LIB.BIO_read(source, piece, _PIECE)) > 0:
        _LIB.BIO_write(target, piece, size)
