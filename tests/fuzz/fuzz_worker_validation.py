"""Any request body at a worker: refused with a typed error or accepted."""

import contextlib

from cocoon.errors import BadRequestError
from cocoon.worker.validation import CHAT_PATH, COMPLETIONS_PATH, validate


def fuzz_one(data: bytes) -> None:
    for path in (CHAT_PATH, COMPLETIONS_PATH):
        for body in (data, b'{"model":"m","messages":[],"prompt":"p",' + data + b"}"):
            with contextlib.suppress(BadRequestError):
                validate(path, body, "m")
            with contextlib.suppress(BadRequestError):
                validate(path, body, "m", "m@c:" + "0" * 64)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
