"""What an engine says about itself raises nothing but EngineError, and stays in range."""

from cocoon.engine.dialects import DIALECTS, prepare
from cocoon.engine.dialects.answers import detokenized, reranked, tokenized
from cocoon.engine.dialects.metrics import prefix_cache_is_off, read_load
from cocoon.engine.dialects.reports import (
    MAX_CONTEXT,
    read_image_input,
    read_loaded_context,
    read_models,
    read_props,
    read_sglang,
    read_show,
    read_version,
    version_numbers,
)
from cocoon.engine.dialects.words import PATH_WORDS
from cocoon.engine.request_rules import parse_body
from cocoon.errors import BadRequestError, EngineError

READERS = (
    read_models,
    read_version,
    read_sglang,
    read_image_input,
    read_props,
    read_show,
    lambda body: read_loaded_context(body, "m"),
    reranked,
    tokenized,
    detokenized,
)


def fuzz_one(data: bytes) -> None:
    for reader in READERS:
        try:
            reader(data)
        except EngineError:
            continue
    try:
        if any(not 0 <= model.context <= MAX_CONTEXT for model in read_models(data)):
            raise AssertionError("context out of range")
    except EngineError:
        pass
    version_numbers(data.decode("utf-8", "replace"))
    prefix_cache_is_off(data)
    for dialect in DIALECTS.values():
        load = read_load(dialect, data)
        if load is not None and load.kv_used is not None and not 0 <= load.kv_used <= 1:
            raise AssertionError("load out of range")
    _prepare(data)


def _prepare(data: bytes) -> None:
    try:
        fields = parse_body(data)
    except BadRequestError:
        return
    before = dict(fields)
    for dialect in DIALECTS.values():
        for path in PATH_WORDS:
            try:
                made = prepare(dialect, path, fields, "salt")
            except BadRequestError:
                continue
            if path in dialect.salted and bytes(made.fields["cache_salt"]) != b'"salt"':
                raise AssertionError("no salt")
    if fields != before:
        raise AssertionError("the caller's fields were changed")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
