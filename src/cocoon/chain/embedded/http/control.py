"""What only a devnet can do: coins out of nothing, another time, going back."""

import re
import time
from typing import Any

from cocoon.chain.cells import EMPTY_CELL
from cocoon.chain.embedded.chain import FAUCET, EmbeddedChain
from cocoon.chain.embedded.http.arguments import Arguments
from cocoon.chain.embedded.http.explorer import block_value, brief
from cocoon.chain.embedded.http.refusal import RefusedCallError

MAX_FAUCET = 10**18
"""NanoTON of one call: a billion TON, a fifth of all there is on mainnet."""
MAX_TIME = (1 << 32) - 1
MAX_ADVANCE = 100 * 365 * 24 * 3600
"""Seconds of one jump."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def status(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """What this chain is, and where it stands."""
    head = chain.head()
    return {
        "name": "cocoon embedded chain",
        "testnet": chain.testnet,
        "head": block_value(head),
        "clock": clock(chain, _args),
    }


def clock(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """The chain's clock beside the real one, Unix seconds."""
    now, real = chain.now, int(time.time())
    return {"now": now, "frozen": chain.frozen, "real": real, "offset": now - real}


def set_clock(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Move (``advance``, ``at``, ``offset``), ``freeze`` or ``unfreeze`` the clock."""
    given = [name for name in ("advance", "at", "offset") if args.has(name)]
    stop, go = args.flag("freeze"), args.flag("unfreeze")
    if len(given) > 1 or (stop and go) or not (given or stop or go):
        raise RefusedCallError("give one of advance, at, offset, or one of freeze, unfreeze")
    if stop:
        chain.freeze()
    if given:
        chain.advance(_seconds(chain, args, given[0]))
    if go:
        chain.unfreeze()
    return clock(chain, args)


def _seconds(chain: EmbeddedChain, args: Arguments, name: str) -> int:
    """How far forward the clock shall move."""
    if name == "advance":
        return args.integer(name, low=1, high=MAX_ADVANCE)
    if name == "at":
        target = args.integer(name, low=0, high=MAX_TIME)
    else:
        target = int(time.time()) + args.integer(name, low=-MAX_ADVANCE, high=MAX_ADVANCE)
    ahead = target - chain.now
    if not 0 <= ahead <= MAX_ADVANCE:
        raise RefusedCallError("a chain's clock does not go back, and not that far ahead", 409)
    return ahead


def faucet(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Send coins from nowhere; ``amount`` is in nanoTON."""
    source = args.address("source") if args.has("source") else FAUCET
    done = chain.faucet(
        args.address(),
        args.integer("amount", low=0, high=MAX_FAUCET),
        body=args.maybe_cell("body") or EMPTY_CELL,
        init=args.maybe_cell("init"),
        bounce=args.flag("bounce"),
        source=source,
    )
    return {"transactions": [brief(item) for item in done]}


def make_block(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """Make a block of what waits."""
    done = chain.tick()
    return {"head": block_value(chain.head()), "transactions": [brief(item) for item in done]}


def snapshots(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """Names of the snapshots."""
    return {"snapshots": chain.saved()}


def save(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Keep the chain as it is, under a name."""
    chain.save(_name(args))
    return {"snapshots": chain.saved()}


def restore(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Go back to a snapshot."""
    name = _name(args)
    if name not in chain.saved():
        raise RefusedCallError(f"there is no snapshot {name!r}", 404)
    chain.load(name)
    return {"head": block_value(chain.head())}


def publish_library(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Publish a cell as a library."""
    return {"hash": chain.publish_library(args.cell("boc")).hex()}


def _name(args: Arguments) -> str:
    name = args.text("name")
    if not _NAME.fullmatch(name):
        raise RefusedCallError("a name has letters, digits, '.', '_' and '-', at most 64")
    return name
