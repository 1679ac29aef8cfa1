"""A client or worker of ours in front of a proxy that keeps the rules until the input says not."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from _inputs import Script, tl_object

from cocoon.chain.net_address import Endpoint, RegisteredProxy
from cocoon.chain.pseudo_config import load_pseudo_config
from cocoon.chain.root_config import RootConfig
from cocoon.errors import CocoonError
from cocoon.net.link import Link, random_id
from cocoon.testing.proxy_rig import ROOT_JSON
from cocoon.testing.streams import connect
from cocoon.tl.types import HttpRequest, HttpResponse
from cocoon.wire.connection import Role

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5}'
QUERY = HttpRequest("POST", "/v1/chat/completions", "HTTP/1.1", (), BODY).to_bytes()
ANSWER = b'{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}'
HEAD = HttpResponse("HTTP/1.1", 200, "OK", (), ANSWER).to_bytes()
MAX_STEPS = 48


def root_with_proxy() -> RootConfig:
    """The rig's root configuration with one proxy registered."""
    somewhere = Endpoint("127.0.0.1", 1)
    return replace(
        load_pseudo_config(ROOT_JSON), proxies=(RegisteredProxy(1, somewhere, somewhere),)
    )


class Wiretap:
    """Dials one side of a rig, and can speak in the proxy's name."""

    def __init__(self, side: Any) -> None:
        self._side = side
        self.links: list[Link] = []

    async def dial(self, _host: str, _port: int, factory: Callable[[], Link]) -> Link:
        """A new link in memory."""
        ours, theirs = factory(), Link(Role.ACCEPTOR, self._side)
        connect(ours, theirs)
        self.links.append(theirs)
        return ours

    async def reset(self) -> None:
        """End disturbed connections; those that are dialled from now on are honest."""
        for link in self.links:
            link.close()
        await settle()

    def disturb(self, script: Script, names: Sequence[str], ids: Sequence[bytes]) -> None:
        """Do something that an honest proxy would not."""
        link = self.links[-1] if self.links else None
        if link is None or not link.is_open:
            return
        match script.byte() % 8:
            case 0:
                link._transport.write(script.blob())
            case 1:
                link.close()
            case 2:
                with contextlib.suppress(CocoonError):
                    link._connection._put(script.blob())
            case choice:
                obj = tl_object(script, names, ids)
                with contextlib.suppress(CocoonError):
                    if choice == 3:
                        query_id = random_id()
                        link._connection.send_query(query_id, obj)
                        link._connection.forget_query(query_id)
                    else:
                        link._connection.send_message(obj)
        if not link.is_closed:
            link._schedule_flush()


async def settle() -> None:
    """Let what was sent arrive and be answered."""
    for _ in range(8):
        await asyncio.sleep(0)
