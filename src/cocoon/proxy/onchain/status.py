"""The proxy contract on status pages; nothing of any request."""

from typing import Any

from cocoon.proxy.onchain.settler import ChainSettlement


def onchain_status(settlement: ChainSettlement | None) -> dict[str, Any]:
    """What the contract holds and what was sent to it; money in nanoTON. Empty without a chain."""
    if settlement is None:
        return {}
    status: dict[str, Any] = {
        "healthy": settlement.healthy,
        "refusal": settlement.refusal,
        "last_transactions": dict(settlement.sent),
        "pending_commit": settlement.pending_commit,
    }
    state = settlement.state
    if state is None:
        return status
    status |= {
        "state": state.phase.name.lower(),
        "balance": state.balance,
        "stake": state.stake,
        "unlock_ts": state.unlock_time,
    }
    if state.ledger is not None:
        status |= {
            "client_funds": state.ledger.client_funds,
            "earned": state.ledger.earned,
            "charged_total": state.ledger.charged_total,
            "paid_total": state.ledger.paid_total,
            "commit_seqno": state.ledger.commit_seqno,
        }
    return status
