"""The example of ``cocoon.Client`` against a devnet of real processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "cocoon_client.py"


def test_the_example_of_the_client(start_up: Callable[..., Any]) -> None:
    network = start_up("--simulated-ton")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, "COCOON_DEVNET": str(network.state)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "at most" in done.stdout
    assert "tdx-simulated, image " in done.stdout
    network.interrupt()
