"""Any bytes as what a page or Mini App hands to the stand-in: read, or BadRequestError."""

import json

from cocoon.devnet.telegram.wallet_request import MAX_MESSAGES, read_comment, read_transfer
from cocoon.devnet.telegram.webview import launch_url, read_theme
from cocoon.errors import BadRequestError


def fuzz_one(data: bytes) -> None:
    text = data.decode(errors="replace")
    try:
        transfer = read_transfer(text)
    except BadRequestError:
        pass
    else:
        if not 1 <= len(transfer.messages) <= MAX_MESSAGES or transfer.need < transfer.total:
            raise AssertionError("a transfer that cannot be")
        for message in transfer.messages:
            read_comment(message.body)
    try:
        theme = read_theme(json.loads(text))
    except (BadRequestError, ValueError, RecursionError):
        theme = {}
    try:
        url = launch_url(text, "data", theme)
    except BadRequestError:
        return
    if "#" not in url or not url.startswith(text.partition("#")[0]):
        raise AssertionError("launch parameters stand in the fragment")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
