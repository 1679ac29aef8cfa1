"""Any body is prepared or refused with one kind of error; what is prepared stays as it is."""

import json

from cocoon.engine.request_rules import prepare_body
from cocoon.errors import BadRequestError


def fuzz_one(data: bytes) -> None:
    if not data:
        return
    path = "/v1/completions" if data[0] & 1 else "/v1/chat/completions"
    cap = 50 if data[0] & 2 else None
    try:
        prepared = prepare_body(path, data[1:], cap)
    except BadRequestError:
        return
    json.loads(prepared)
    if prepare_body(path, prepared, cap) is not prepared:
        raise AssertionError("not stable")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
