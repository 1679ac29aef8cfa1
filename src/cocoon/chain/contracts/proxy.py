"""The proxy contract: one for each proxy and parameters version (``onchain.md`` §5, §12)."""

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.params import PROXY_MASK, ContractParams


def proxy_data(params: ContractParams, owner: Address, public_key: bytes, root: Address) -> Cell:
    """Initial data of a proxy contract.

    Args:
        params: the network's parameters.
        owner: the operator's address, who receives the commission.
        public_key: 32 bytes, the machine key that signs payments.
        root: the root contract; part of the address, not used by the code.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().address(owner).hash256(public_key).address(root)
    out.uint(0, 2).coins(0).coins(0).uint(0, 32)  # state, balance, stake, unlock time
    return out.ref(params.cell(PROXY_MASK)).cell()


def save_state_body(query_id: int, seqno: int, session_hash: bytes) -> Cell:
    """Body of the message that commits a flush of the proxy's store to the chain.

    Args:
        query_id: any 64-bit number.
        seqno: the flush, 0…2³¹-1.
        session_hash: 32 bytes, drawn at each start of the process.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(opcodes.DO_NOT_PROCESS, 32).uint(query_id, 64)
    return out.uint(opcodes.PROXY_SAVE_STATE, 32).uint(seqno, 32).hash256(session_hash).cell()
