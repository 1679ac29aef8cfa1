"""A devnet's root contract: what deploys it, the same for as long as the state directory lives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_data
from cocoon.devnet.root_plan import RootPlan
from cocoon.devnet.state import write_atomically
from cocoon.errors import ConfigError, DecodeError

ROOT_CONTRACT_FILE = "root-contract.json"
MAX_LISTED = 1000
UNIQUE_ID = 17
"""What the official tool deploys networks with (``onchain.md`` §4)."""
_STRUCT_VERSION = 3
_NOWHERE = Address(bytes(32))


@dataclass(frozen=True, slots=True)
class RootContract:
    """What a state directory remembers of its root contract.

    Attributes:
        init: what deploys it; its hash is the address.
        applied: the plan that it was last made to follow. What its owner changed beyond that is
            nobody else's business.
        proxies: contracts that the proxies had when the network ran last, by process name.
        listed: where proxies of this devnet ever listened, the newest last: entries of the root's
            list that are not here are somebody else's.
    """

    init: Cell
    applied: RootPlan
    proxies: Mapping[str, Address] = field(default_factory=dict)
    listed: tuple[str, ...] = ()

    @property
    def address(self) -> Address:
        """Where it lives."""
        return Address(self.init.hash)


def load_root(folder: Path, plan: RootPlan, owner: Address) -> RootContract:
    """The root contract of a state directory; made from the first plan, and kept.

    Raises:
        ConfigError: the file of an earlier start is damaged.
    """
    path = folder / ROOT_CONTRACT_FILE
    try:
        document = json.loads(path.read_text())
        init = from_boc(bytes.fromhex(document["state_init"]))
        proxies = {name: Address.parse(text) for name, text in document["proxies"].items()}
        listed = dict.fromkeys([*document["listed"], *plan.proxies])
        applied = RootPlan.from_document(document["applied"])
        contract = RootContract(init, applied, proxies, tuple(listed)[-MAX_LISTED:])
        save_root(folder, contract)  # before a message that lists them is sent
        return contract
    except FileNotFoundError:
        pass
    except (OSError, ValueError, LookupError, TypeError, AttributeError, DecodeError):
        raise ConfigError(
            f"{path} cannot be read: it is damaged or of another version. Use another directory "
            "with --state; keep this one as long as its keys matter"
        ) from None
    init = state_init(load_code("root"), root_data(first_config(plan, owner)))
    contract = RootContract(init, plan, listed=plan.proxies)
    save_root(folder, contract)
    return contract


def save_root(folder: Path, contract: RootContract) -> None:
    """Write it down."""
    document = {
        "address": contract.address.raw(),
        "state_init": to_boc(contract.init).hex(),
        "applied": contract.applied.document(),
        "listed": list(contract.listed),
        "proxies": {name: address.raw() for name, address in contract.proxies.items()},
    }
    write_atomically(folder / ROOT_CONTRACT_FILE, json.dumps(document, indent=2) + "\n")


def first_config(plan: RootPlan, owner: Address) -> RootConfig:
    """The configuration that the contract begins with."""
    return RootConfig(
        address=_NOWHERE,  # is made from this very content
        owner=owner,
        version=1,
        params=params(plan, version=1),
        proxy_hashes=plan.proxy_hashes,
        worker_hashes=plan.worker_hashes,
        model_hashes=plan.model_hashes,
        proxies=tuple(
            parse_registered_proxy(seqno, text) for seqno, text in enumerate(plan.proxies, 1)
        ),
        last_proxy_seqno=len(plan.proxies),
    )


def params(plan: RootPlan, *, version: int) -> ContractParams:
    """The contracts' parameters, with the codes that this program ships."""
    return ContractParams(
        struct_version=_STRUCT_VERSION,
        params_version=version,
        unique_id=UNIQUE_ID,
        is_test=True,
        price_per_token=plan.price_per_token,
        worker_fee_per_token=plan.worker_fee_per_token,
        proxy_delay_before_close=plan.proxy_delay,
        client_delay_before_close=plan.client_delay,
        min_proxy_stake=plan.min_proxy_stake,
        min_client_stake=plan.min_client_stake,
        proxy_code=load_code("proxy"),
        worker_code=load_code("worker"),
        client_code=load_code("client"),
    )
