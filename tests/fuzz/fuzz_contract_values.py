"""Any bag of cells as a message to a contract and as a contract's data."""

import contextlib

from cocoon.chain.boc import from_boc
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.proxy_inbox import parse_proxy_inbox
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.replies import parse_bounce, parse_reply
from cocoon.chain.contracts.wallet import CocoonWalletState
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.keys import SecretKey
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.chain.wallets.v5r1 import WalletV5R1
from cocoon.errors import DecodeError

_KEY = SecretKey(bytes(32))
_WALLETS = (WalletV4R2(_KEY), WalletV5R1(_KEY, testnet=True))


def fuzz_one(data: bytes) -> None:
    try:
        cell = from_boc(data, max_bytes=4096, max_cells=64)
    except DecodeError:
        return
    for parse in (parse_proxy_inbox, parse_reply, parse_bounce):
        parse(cell)
    for wallet in _WALLETS:
        with contextlib.suppress(DecodeError):
            wallet.read_seqno(cell)
    for kind in (ProxyState, ClientState, WorkerState, CocoonWalletState):
        try:
            state = kind.from_data(cell)
        except DecodeError:
            continue
        again = kind.from_data(state.data())  # codes that do not belong there are left out
        if again.data() != state.data():
            raise AssertionError(f"{kind.__name__} does not round-trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
