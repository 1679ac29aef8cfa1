"""uvicorn's call of an application, with a quicker way to write the head of an answer.

uvicorn searches the name and the value of every header for what may not be in it. Answers here
carry fifteen of them: that alone took a tenth of a small request's time. The whole head is searched
at once instead, and anything unusual is left to uvicorn.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_UNUSUAL = frozenset({b"connection", b"transfer-encoding"})
_WITHOUT_BODY = (204, 304)
# What may be in a head, of the bytes below the space: tabs, and the ends of its lines.
_CONTROLS = bytes(byte for byte in (*range(9), 11, 12, *range(14, 32), 127))


class GatewayCycle(RequestResponseCycle):
    """One call."""

    async def send(self, message: Any) -> None:
        """Send a part of the answer, as ASGI has it."""
        if not self.response_started and message["type"] == "http.response.start":
            await self._send_head(message)
        else:
            await super().send(message)

    async def _send_head(self, message: Any) -> None:
        headers = [*self.default_headers, *message["headers"]]
        named = dict(headers)
        status = message["status"]
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        if (
            not self.keep_alive
            or self.access_log
            or self.flow.write_paused
            or self.disconnected
            or self.scope["method"] == "HEAD"
            or status in _WITHOUT_BODY
            or not _UNUSUAL.isdisjoint(named)
            or not _is_clean(lines, len(headers))
        ):
            await super().send(message)
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        length = named.get(b"content-length")
        if length is None:
            self.chunked_encoding = True
            lines += b"transfer-encoding: chunked\r\n"
        else:
            self.chunked_encoding = False
            self.expected_content_length = int(length)
        self.transport.write(STATUS_LINE[status] + lines + b"\r\n")


def _is_clean(lines: bytes, count: int) -> bool:
    """Whether these are exactly ``count`` lines, with nothing in them that ends or hides one."""
    return lines.count(b"\r\n") == lines.count(b"\n") == lines.count(b"\r") == count and len(
        lines.translate(None, _CONTROLS)
    ) == len(lines)
