"""The cocoon wallet: the node's own wallet, owned by its operator (``onchain.md`` §8)."""

from dataclasses import dataclass

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell, HashedCell, Reader
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.state_init import CodeHash, contract_address

OFFICIAL_WALLET_CODE = CodeHash(
    bytes.fromhex("7a48f05ceef40f06cabbaa39c1c5a67b24e8bb59d8cf8a74e49988a5f44cf66a"), 6
)
"""The official wallet's code, the same in both generations seen on mainnet (``onchain.md`` §0)."""


def wallet_data(owner: Address, public_key: bytes) -> Cell:
    """Initial data of a wallet.

    Args:
        owner: the operator, who can always take over.
        public_key: 32 bytes, the node's wallet key.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(0, 32).uint(0, 32).hash256(public_key)  # sequence number, subwallet
    return out.uint(0, 32).address(owner).cell()  # status


def wallet_address(
    owner: Address, public_key: bytes, code: HashedCell = OFFICIAL_WALLET_CODE
) -> Address:
    """Where the wallet of this owner and key lives; any wallet contract may be used in its place.

    Raises:
        DecodeError: a value does not fit.
    """
    return contract_address(code, wallet_data(owner, public_key))


WALLET_WITHDRAW = b"w"
WALLET_BLOCK = b"b"
WALLET_UNBLOCK = b"u"
_BLOCKED = 1


@dataclass(frozen=True, slots=True)
class CocoonWalletState:
    """State of a cocoon wallet.

    Args:
        seqno: sequence number that the next external message must have.
        subwallet: always 0.
        public_key: 32 bytes, the node's wallet key.
        status: bit 0 = blocked by the owner.
        owner: the operator.
    """

    seqno: int
    subwallet: int
    public_key: bytes
    status: int
    owner: Address

    @property
    def is_blocked(self) -> bool:
        """Whether the owner stopped the node's key."""
        return bool(self.status & _BLOCKED)

    @classmethod
    def from_data(cls, data: Cell) -> "CocoonWalletState":
        """Read a wallet's data cell.

        Raises:
            DecodeError: malformed.
        """
        read = Reader(data)
        state = cls(
            seqno=read.uint(32),
            subwallet=read.uint(32),
            public_key=read.raw(32),
            status=read.uint(32),
            owner=read.address(),
        )
        read.end()
        return state

    def data(self) -> Cell:
        """The data cell of such a wallet.

        Raises:
            DecodeError: a value does not fit.
        """
        out = Builder().uint(self.seqno, 32).uint(self.subwallet, 32).hash256(self.public_key)
        return out.uint(self.status, 32).address(self.owner).cell()


def owner_send_message(query_id: int, mode: int, message: Cell) -> Cell:
    """Let the wallet send any message; from its owner.

    Raises:
        DecodeError: a value does not fit.
    """
    return head(opcodes.OWNER_WALLET_SEND_MESSAGE, query_id).uint(mode, 8).ref(message).cell()


def owner_text_command(letter: bytes) -> Cell:
    """A comment of one letter from the owner: withdraw all, block or unblock the node's key.

    Raises:
        DecodeError: it is too long.
    """
    return Builder().uint(opcodes.TEXT_COMMENT, 32).raw(letter).cell()
