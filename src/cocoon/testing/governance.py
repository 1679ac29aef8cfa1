"""A root that a governor owns, on a chain for tests."""

from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts import governor as gov
from cocoon.chain.contracts import root as root_messages
from cocoon.chain.contracts.governor_rules import Rules
from cocoon.chain.contracts.governor_state import GovernorState
from cocoon.chain.contracts.params import ContractParams
from cocoon.chain.contracts.tariff import NO_TARIFF, Tariff
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import root_config, root_data
from cocoon.testing.chain import TON
from cocoon.testing.contracts import Outcome, call, data, deploy, person, sample_params

DELAY = 2 * 86400
VALUE = TON // 5


class GovernedRoot:
    """A root with a governor, and everybody's part played.

    Args:
        chain: where.
        owners: of the governor.
        threshold: approvals that an action needs.
        revoke_threshold: approvals that a revocation needs.
        delay: seconds.
        tariff: the first one.
        params: of the network.
    """

    def __init__(
        self,
        chain: EmbeddedChain,
        *,
        owners: tuple[Address, ...],
        threshold: int,
        revoke_threshold: int = 1,
        delay: int = DELAY,
        tariff: Tariff = NO_TARIFF,
        params: ContractParams | None = None,
    ) -> None:
        self.chain = chain
        deployer = person(0xDD)
        config = RootConfig(person(0), 1, params or sample_params(), owner=deployer)
        self.root = deploy(chain, "root", root_data(config), TON // 2)
        rules = Rules(0, owners, threshold, revoke_threshold, delay)
        content = gov.governor_data(self.root, rules, tariff)
        self.governor = deploy(chain, "governor", content, TON // 2)
        handed = call(chain, self.root, deployer, root_messages.change_owner(1, self.governor))
        assert handed.ok

    @property
    def state(self) -> GovernorState:
        """What the governor keeps."""
        return GovernorState.from_data(data(self.chain, self.governor))

    @property
    def config(self) -> RootConfig:
        """What the root keeps."""
        return root_config(self.root, data(self.chain, self.root))

    def send(self, body: Cell, sender: Address, value: int = VALUE) -> Outcome:
        """Any message to the governor."""
        return call(self.chain, self.governor, sender, body, value)

    def propose(self, sender: Address, body: Cell) -> Outcome:
        """Propose a body for the root."""
        return self.send(gov.propose(1, gov.action_of(body)), sender)

    def propose_action(self, sender: Address, action: Cell) -> Outcome:
        """Propose an action as it is."""
        return self.send(gov.propose(1, action), sender)

    def approve(self, sender: Address, number: int) -> Outcome:
        """Approve what stands in the queue, or nothing there."""
        state = self.state
        proposal = state.proposals.get(number)
        content = bytes(32) if proposal is None else proposal.hash
        return self.send(gov.approve(1, number, content, state.rules.version), sender)

    def withdraw(self, sender: Address, number: int) -> Outcome:
        """Take an approval back."""
        return self.send(gov.withdraw_approval(1, number), sender)

    def execute(self, number: int, sender: Address | None = None, value: int = VALUE) -> Outcome:
        """Carry out, as a stranger if not told otherwise."""
        return self.send(gov.execute(1, number), sender or person(0x99), value)
