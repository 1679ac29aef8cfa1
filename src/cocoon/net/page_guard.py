"""Keeps web pages away from status and control pages, which ask nobody for a password.

A page of any site can make a browser on this machine call ``http://127.0.0.1:11000``. Two things
give it away: browsers name the page's origin with every call that could change something, and a
site that points its own name at this machine (DNS rebinding) leaves that name in ``Host``.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REFUSAL = b"failed: web pages may not call this\n"


class PageGuard:
    """ASGI middleware: what a web page sends is answered with 403.

    Args:
        app: what answers everybody else.
        host: the address that is listened on. On a loopback address ``Host`` must be an IP
            address or a name without a dot, as nobody can own such a name elsewhere.
    """

    def __init__(self, app: App, host: str) -> None:
        self._app = app
        self._local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http" or not self._is_of_a_page(scope["headers"]):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(_REFUSAL))]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": _REFUSAL})

    def _is_of_a_page(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        for name, value in headers:
            if name == b"origin":
                return True
            if name == b"host" and self._local and not _is_local_name(value):
                return True
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens on this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_local_name(value: bytes) -> bool:
    """Whether a ``Host`` header holds an IP address or a name without a dot."""
    text = value.decode("latin-1")
    if text.startswith("["):
        return True  # an IPv6 address
    name = text.partition(":")[0]
    if "." not in name:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
