"""Least loaded first: the share of its limit that a worker has in use, then price, then age.

The official rule weighs ``running × average time`` but takes the average as zero at low load, so
that the oldest connection gets everything up to its limit (``wire-protocol.md`` §7.2). Sharing by
the used part of the limit spreads requests over mixed machines from the first one on.
"""

from collections.abc import Sequence

from cocoon.proxy.scheduler.base import Candidate


def least_loaded(candidates: Sequence[Candidate]) -> int:
    """Index of the candidate with the smallest ``running / limit``.

    Ties go to the lower price, then to the shorter mean duration, then to the older connection.
    """

    def weight(index: int) -> tuple[float, int, float, int]:
        worker = candidates[index]
        return (
            worker.running / worker.limit,
            worker.coefficient,
            worker.seconds_per_request,
            worker.connection_id,
        )

    return min(range(len(candidates)), key=weight)
