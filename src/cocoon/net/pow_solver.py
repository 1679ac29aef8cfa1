"""Solve proofs of work without holding up the event loop.

``hashlib`` keeps the interpreter lock for inputs this short, so a thread would not help: a child
process searches, and cancelling the caller kills it. The child is a bare interpreter that runs
one file by its path; it neither imports the caller's ``__main__`` nor site packages, so it starts
in about 20 ms and works from any script.
"""

import asyncio
import os
import sys

from cocoon.errors import RemoteProtocolError, UnavailableError
from cocoon.wire import pow as proof
from cocoon.wire import pow_search

INLINE_DIFFICULTY = 12
"""Zero bits up to which solving inline (4096 hashes on average, some ms) beats a child."""
MAX_CHILDREN = max(1, (os.cpu_count() or 1))
"""Searches that run at the same time in one process; others wait."""

_CHILD = (
    "import runpy, sys; search = runpy.run_path(sys.argv[1])['search']; "
    "print(search(bytes.fromhex(sys.argv[2]), int(sys.argv[3]), 0, 1 << 62))"
)
_limits: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


async def solve(challenge: proof.Challenge, max_difficulty: int) -> proof.Response:
    """Find the smallest nonce from 0 that solves ``challenge``.

    The time is exponential in the difficulty (about 1 s for 20 bits): callers set a timeout.
    Cancellation stops the search.

    Raises:
        RemoteProtocolError: the listener asks for more than ``max_difficulty`` bits.
        UnavailableError: the search could not run.
    """
    if challenge.difficulty > max_difficulty:
        raise RemoteProtocolError(
            f"the peer asks for a proof of work of {challenge.difficulty} bits; "
            f"at most {max_difficulty} are allowed"
        )
    if challenge.difficulty <= INLINE_DIFFICULTY:
        nonce = proof.solve(challenge.salt, challenge.difficulty, 0, 2**62)
        if nonce is None:
            raise UnavailableError("no nonce solves the proof of work")
        return proof.Response(nonce)
    async with _semaphore():
        return await _solve_in_child(challenge)


def _semaphore() -> asyncio.Semaphore:
    """The limit of the running loop; those of closed loops are dropped."""
    loop = asyncio.get_running_loop()
    for other in [known for known in _limits if known.is_closed()]:
        del _limits[other]
    return _limits.setdefault(loop, asyncio.Semaphore(MAX_CHILDREN))


async def _solve_in_child(challenge: proof.Challenge) -> proof.Response:
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-c", _CHILD),
            pow_search.__file__,
            challenge.salt.hex(),
            str(challenge.difficulty),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        text = f"cannot start the proof-of-work search: {error.strerror}"
        raise UnavailableError(text) from error
    try:
        output, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        nonce = int(output)
    except ValueError:
        raise UnavailableError("the proof-of-work search failed to run") from None
    if not proof.check(challenge.salt, nonce, challenge.difficulty):
        raise UnavailableError("the proof-of-work search gave a wrong nonce")
    return proof.Response(nonce)
