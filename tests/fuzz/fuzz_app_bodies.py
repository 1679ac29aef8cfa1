"""Any body, query string and credential of a web call is read or refused with our own error."""

from contextlib import suppress
from pathlib import Path

from cocoon.telegram.web.failures import ApiError, failure
from cocoon.telegram.web.operator import credential
from cocoon.telegram.web.reading import decode, query, read_question
from cocoon.telegram.web.shapes import ChatRequest, SessionRequest, TopupRequest
from cocoon.testing.served_mini_app import settings

SETTINGS = settings(Path("/nowhere"))


def fuzz_one(data: bytes) -> None:
    """Feed one input to everything that reads what strangers send."""
    for kind in (ChatRequest, SessionRequest, TopupRequest):
        try:
            read = decode(data, kind)
            if isinstance(read, ChatRequest):
                asked = read_question(42, read, SETTINGS)
                assert asked.reference.startswith("app:42:")
        except ApiError as error:
            failure(error)
    with suppress(ApiError):
        query(data)
    credential(data)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
