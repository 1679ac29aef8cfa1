"""A gateway that notes which fields of which endpoints were answered with success."""

import json
from collections import defaultdict
from typing import Any

from cocoon.gateway import Gateway


class RecordingGateway(Gateway):
    """Notes the names of fields, never a value.

    Attributes:
        shown: top-level fields of JSON bodies that were answered with 200, by path.
    """

    shown: dict[str, set[str]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.shown = defaultdict(set)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and look at what comes in and goes out."""
        if scope["type"] != "http":
            return
        body = bytearray()
        path: str = scope["path"]

        async def receiving() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        async def sending(message: Any) -> None:
            if message.get("status") == 200:
                self._note(path, bytes(body))
            await send(message)

        await super().__call__(scope, receiving, sending)

    def _note(self, path: str, body: bytes) -> None:
        try:
            asked = json.loads(body)
        except ValueError:
            return
        if isinstance(asked, dict):
            self.shown[path] |= {name for name, value in asked.items() if value is not None}
