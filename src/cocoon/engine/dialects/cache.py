"""Salts that keep the prompt caches of different clients apart.

A salt is derived from the client's scope with a secret of this process: who reads an engine's
memory or log learns no scope, and salts of one run mean nothing in the next. Whoever has no scope
gets a salt that is used once, so that nothing is shared with anybody.
"""

import base64
import hashlib
import secrets
from typing import Final

from cocoon.errors import BadRequestError

SCOPE_SIZE: Final = 32
"""Bytes of a scope; none stands for nobody."""


class CacheSalts:
    """Makes salts of 43 characters (256 bits, base64url)."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)

    def __repr__(self) -> str:
        return "CacheSalts()"

    def of(self, scope: bytes) -> str:
        """The salt for a scope.

        Raises:
            BadRequestError: the scope has another length than 0 or 32 bytes.
        """
        if not scope:
            digest = secrets.token_bytes(32)
        elif len(scope) == SCOPE_SIZE:
            digest = hashlib.blake2b(scope, digest_size=32, key=self._secret).digest()
        else:
            raise BadRequestError("the cache scope must have 32 bytes")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
