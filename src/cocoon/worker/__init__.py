"""The worker role: serves requests of proxies on an inference engine."""

from cocoon.worker.payout import Earnings
from cocoon.worker.settings import WorkerSettings
from cocoon.worker.worker import Worker

__all__ = ["Earnings", "Worker", "WorkerSettings"]
