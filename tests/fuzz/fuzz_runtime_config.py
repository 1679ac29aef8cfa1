"""Any variables, template or command line from a host: typed values or refused."""

import contextlib

from cocoon.errors import ConfigError
from cocoon.tee.guest_init import parse_flags
from cocoon.tee.runtime_config import Role, parse_runtime, render

OWNER = b"OWNER=0:" + b"0" * 64 + b"\n"
MODEL = b"MODEL=a/b@0123456:" + b"0" * 64 + b"\n"
HOST = b"PUBLIC_HOST=proxy.example\n"
UNSAFE = set(" \t\r\n\"'$`\\;&|<>(){}[]*?!~#%^,\0")


def fuzz_one(data: bytes) -> None:
    for role, required in ((Role.WORKER, OWNER + MODEL), (Role.PROXY, OWNER + HOST)):
        for text in (data, required + data, data + b"\n" + required):
            with contextlib.suppress(ConfigError):
                values = parse_runtime(text, role)
                if any(UNSAFE & set(str(value)) for value in values.values()):
                    raise AssertionError("a value can leave a quoted string")
                template = data.decode("utf-8", "replace")
                with contextlib.suppress(ConfigError):
                    render(template, {"GPUS": "8"}, values)
    with contextlib.suppress(ConfigError):
        parse_flags(data.decode("utf-8", "replace"))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
