"""Which worker gets a request: one policy a file, each a pure function of a snapshot."""

from cocoon.proxy.scheduler.base import Candidate, Scheduler
from cocoon.proxy.scheduler.least_loaded import least_loaded

__all__ = ["POLICIES", "Candidate", "Scheduler", "least_loaded"]

POLICIES: dict[str, Scheduler] = {"least-loaded": least_loaded}
"""Policies by the name that the configuration uses."""
