"""API keys, budgets and limits for teams behind gateways that share one store."""

from cocoon.gateway.keys.gate import KeyGate
from cocoon.gateway.keys.limits import Limits
from cocoon.gateway.keys.record import KeyRecord
from cocoon.gateway.keys.settings import KeysSettings

__all__ = ["KeyGate", "KeyRecord", "KeysSettings", "Limits"]
