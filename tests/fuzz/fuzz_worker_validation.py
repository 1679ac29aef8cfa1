"""Any request body at a worker: refused with a typed error or accepted."""

import contextlib

from cocoon.errors import BadRequestError
from cocoon.worker.validation import ENDPOINTS, validate


def _form(data: bytes) -> bytes:
    return b"--b\r\nContent-Disposition: form-data; " + data + b"\r\n--b--\r\n"


def fuzz_one(data: bytes) -> None:
    for path, endpoint in ENDPOINTS.items():
        kind = "application/json"
        if endpoint.is_form:
            kind = "multipart/form-data; boundary=b"
        start = b'{"model":"m",' + b"".join(
            b'"%s":"p",' % n.encode() for n in endpoint.required[1:]
        )
        for body in (data, start + data + b"}", _form(data)):
            with contextlib.suppress(BadRequestError):
                validate(path, body, "m", content_type=kind)
            with contextlib.suppress(BadRequestError):
                validate(path, body, "m", "m@c:" + "0" * 64, content_type=kind, cap=5)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
