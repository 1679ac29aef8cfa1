"""TON through an HTTP indexer that speaks the toncenter API."""

from cocoon.chain.toncenter.backend import ToncenterBackend
from cocoon.chain.toncenter.caller import Limits

__all__ = ["Limits", "ToncenterBackend"]
