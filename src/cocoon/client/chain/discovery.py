"""Find our client contracts on chain when what we remember of them is lost.

The wallet sent every message that ever went to them, so its own history names them all.
"""

from cocoon.chain.address import Address
from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.contracts.client_state import ClientState
from cocoon.errors import ChainDataError, DecodeError

MAX_PAGES = 100
MAX_CANDIDATES = 1000


async def read_client(backend: ChainBackend, contract: Address, wallet: Address) -> ClientState:
    """The state of a client contract that belongs to a wallet.

    Raises:
        ChainError: the chain cannot be reached.
        ChainDataError: there is no client contract of this wallet at the address.
    """
    account = await backend.account(contract)
    if not account.is_active or account.data is None:
        raise ChainDataError(f"there is no contract at {contract}")
    try:
        state = ClientState.from_data(account.data)
    except DecodeError as error:
        raise ChainDataError(f"{contract} is no client contract: {error}") from None
    if state.owner != wallet:
        raise ChainDataError(f"{contract} belongs to another wallet, {state.owner}")
    return state


async def find_clients(backend: ChainBackend, wallet: Address) -> dict[Address, ClientState]:
    """Every client contract that a wallet ever sent something to, oldest first.

    Raises:
        ChainError: the chain cannot be reached.
    """
    found: dict[Address, ClientState] = {}
    for candidate in reversed(await _receivers(backend, wallet)):
        try:
            found[candidate] = await read_client(backend, candidate, wallet)
        except ChainDataError:
            continue  # some other account
    return found


async def _receivers(backend: ChainBackend, wallet: Address) -> list[Address]:
    """Whom the wallet sent messages to, newest first."""
    receivers: dict[Address, None] = {}
    before: TransactionRef | None = None
    for _ in range(MAX_PAGES):
        page = await backend.transactions(wallet, limit=MAX_TRANSACTIONS, before=before)
        for step in page:
            for message in step.out_messages:
                if message.dest is not None and len(receivers) < MAX_CANDIDATES:
                    receivers[message.dest] = None
        if len(page) < MAX_TRANSACTIONS:
            break
        before = TransactionRef(page[-1].lt, page[-1].hash)
    return list(receivers)
