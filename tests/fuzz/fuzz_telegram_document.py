"""Any bytes as a document that somebody sends: text within limits, or a refusal of ours."""

import contextlib
import logging

from cocoon.errors import CocoonError
from cocoon.telegram.bot.reading import clean_name, is_pdf, pdf_child
from cocoon.telegram.bot.reading.text import read_text
from cocoon.testing.sent_files import pdf

MOST = 200
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def fuzz_one(data: bytes) -> None:
    clean_name(data[:200].decode("utf-8", "surrogateescape"))
    with contextlib.suppress(CocoonError):
        document = read_text("f", data, MOST)
        if len(document.text) > MOST:
            raise AssertionError("more text than allowed")
    file = data if is_pdf(data) else pdf("a", stream=data)
    answer = pdf_child.text_of(file, 3, MOST)
    if ("error" in answer) == ("text" in answer):
        raise AssertionError("neither text nor error, or both")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
