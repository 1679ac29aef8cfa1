"""What all tests share."""

import os

import pytest
from hypothesis import HealthCheck, settings

# Tests assert behaviour, never wall time: a busy machine must not fail them. The gate runs the same
# examples every time, so that it answers for the change at hand; elsewhere every run explores anew.
settings.register_profile(
    "cocoon",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
    print_blob=True,
)
settings.load_profile("cocoon")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
