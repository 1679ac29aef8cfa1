"""Fuzz what Telegram, or whoever poses as it, sends as an update."""

from cocoon.errors import BadRequestError
from cocoon.telegram.service.inbox import MAX_ID, update_id


def fuzz_one(data: bytes) -> None:
    try:
        number = update_id(data)
    except BadRequestError:
        return
    assert 0 <= number < MAX_ID


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
