"""Every shape in ``vectors/engines`` is metered as its index says, however it is cut."""

import pytest

from cocoon.engine.metering import Meter
from cocoon.testing.engine_shapes import FOLDER, REQUEST_SIZE, EngineShape, engine_shapes


@pytest.mark.parametrize("shape", engine_shapes(), ids=str)
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_usage_of_every_shape(shape: EngineShape, size: int) -> None:
    if shape.usage is None:
        pytest.skip("rewritten before it is metered")
    meter = Meter(status=shape.status, content_type=shape.content_type, request_size=REQUEST_SIZE)
    chunks = [shape.body[at : at + size] for at in range(0, len(shape.body), size)]
    assert b"".join(meter.feed(chunk) for chunk in chunks) + meter.end() == shape.body
    assert meter.finish() == shape.usage


def test_every_file_is_in_the_index_and_engines_have_the_shapes_that_all_have() -> None:
    files = {path.name for path in FOLDER.glob("*/*")}
    assert len(files) <= len(engine_shapes())
    assert len(list(FOLDER.glob("*/*"))) == len(engine_shapes())
    for name in ("chat_stream", "tool_calls_stream", "reasoning_stream", "error_in_stream"):
        assert len(engine_shapes(name)) == 4
    assert {shape.engine for shape in engine_shapes() if shape.recorded} == {"llama.cpp"}
