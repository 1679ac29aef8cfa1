"""What a child of the embedded engine reports before it dies is an error of the engine."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cocoon.engine.llama_process import LlamaProcess
from cocoon.errors import EngineError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("line", [b'{"stage":"ver', b"[]\n", b"{}\n", b'{"stage":1}\n', b"\xff\n"])
async def test_a_report_that_is_none(line: bytes) -> None:
    stdout = asyncio.StreamReader()
    stdout.feed_data(line)
    stdout.feed_eof()
    process = cast(Any, SimpleNamespace(stdout=stdout))
    with pytest.raises(EngineError, match="does not report"):
        await LlamaProcess(cast(Any, None), lambda _stage: None)._follow_start(process)
