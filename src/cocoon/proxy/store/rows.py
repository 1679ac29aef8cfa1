"""What the proxy's store keeps, as plain values.

Token counters are cumulative and only grow (``onchain.md`` §12). ``used`` is the committed-to-store
level, ``signable`` the committed-to-chain level: the most that may be signed.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """Whose state this is; a store of another proxy is refused.

    Attributes:
        public_key: 32 bytes, the proxy's contract key.
        contract: friendly address of the proxy contract.
    """

    public_key: bytes
    contract: str


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client's account.

    Attributes:
        owner: friendly address of the client's wallet; the key.
        contract: friendly address of its client contract.
        used, signable: cumulative tokens; ``used >= signable``.
        charged: tokens already charged on chain.
        balance, stake: nanoTON at the client contract.
        secret_hash: 32 bytes, SHA-256 of the client's secret.
        state: state of the client contract (0 running, 1 closing, 2 closed).
        last_request_at: Unix seconds, 0 for never.
    """

    owner: str
    contract: str
    used: int
    signable: int
    charged: int
    balance: int
    stake: int
    secret_hash: bytes = field(repr=False)
    state: int
    last_request_at: int


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker owner's account; fields as in :class:`ClientRow`, ``paid`` = left on chain."""

    owner: str
    contract: str
    used: int
    signable: int
    paid: int
    last_request_at: int


@dataclass(frozen=True, slots=True)
class ChainPosition:
    """How far the proxy contract's transactions have been taken into the books.

    Attributes:
        lt: logical time of the last one, 0 for none.
        hash: its hash, 32 bytes.
    """

    lt: int = 0
    hash: bytes = bytes(32)


@dataclass(frozen=True, slots=True)
class StateCommit:
    """A commit of the books that was, or is about to be, sent to the chain (``onchain.md`` §12).

    Attributes:
        seqno: number of the batch that it stands for.
        root: Merkle root of the books at that batch, 32 bytes.
    """

    seqno: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows to write in one transaction.

    Attributes:
        seqno: number of the batch; larger than that of every batch before.
        clients, workers: changed rows only.
        position: how far the chain is taken into these rows; None leaves it.
        commit: a commit that will be sent once this is stored.
        confirmed: number of the newest commit seen on chain; what is older may be forgotten.
    """

    seqno: int
    clients: tuple[ClientRow, ...] = ()
    workers: tuple[WorkerRow, ...] = ()
    position: ChainPosition | None = None
    commit: StateCommit | None = None
    confirmed: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the store holds.

    Attributes:
        seqno: number of the last batch.
        clients, workers: all rows.
        position: how far the chain is taken into them.
        commits: commits that were sent, or about to be, oldest first; older ones than the last
            one seen on chain may be missing.
    """

    seqno: int
    clients: tuple[ClientRow, ...]
    workers: tuple[WorkerRow, ...]
    position: ChainPosition = ChainPosition()
    commits: tuple[StateCommit, ...] = ()
