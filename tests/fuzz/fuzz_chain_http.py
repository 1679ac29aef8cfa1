"""Any HTTP call to an embedded chain is answered, and never with an error of ours."""

import json
from functools import lru_cache

from cocoon.chain import Address
from cocoon.chain.embedded.http import ChainApi, create_app, v2, v3
from cocoon.chain.embedded.http.app import CHANGING, READING
from cocoon.chain.embedded.http.call import Call
from cocoon.testing.chain import TON, memory_chain
from cocoon.testing.probe import Probe

PATHS = (
    *(f"/api/v2/{name}" for name in (*v2.METHODS, "jsonRPC")),
    *(f"/api/v3/{name}" for name in v3.METHODS),
    *(f"/devnet/{name}" for name in (*READING, *CHANGING)),
    "/",
)


@lru_cache(1)
def app() -> ChainApi:
    """One chain for all inputs."""
    chain = memory_chain()
    Probe().deploy(chain)
    chain.faucet(Address(bytes(32)), TON)
    return create_app(chain)


def fuzz_one(data: bytes) -> None:
    """The first byte chooses the call; a zero byte parts its query from its body."""
    if not data:
        return
    query, _, body = data[1:].partition(b"\0")
    path = PATHS[data[0] % len(PATHS)]
    for call in (Call("GET", path, query), Call("POST", path, query, body)):
        answer = app().answer(call)
        assert answer.status < 500 or b"cannot apply external message" in answer.body
        if answer.status != 200:
            assert json.loads(answer.body)["code"] == answer.status
    app().answer(Call("GET", data.decode("latin-1")))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
