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
class Batch:
    """Rows to write in one transaction.

    Attributes:
        seqno: number of the batch; larger than that of every batch before.
        clients, workers: changed rows only.
    """

    seqno: int
    clients: tuple[ClientRow, ...] = ()
    workers: tuple[WorkerRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the store holds; ``seqno`` is the number of the last committed batch."""

    seqno: int
    clients: tuple[ClientRow, ...]
    workers: tuple[WorkerRow, ...]
