"""The programs in ``examples/`` run as they are, against the real model."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cocoon.testing.served_network import ServedNetwork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

EXAMPLES = Path(__file__).parents[3] / "examples"
PRINTED = {
    "openai_stream.py": r"SmolLM2-135M-Instruct: \d+ tokens",
    "openai_async.py": r"Name a fruit\. .*TON\)",
    "tools.py": r"current_time\(\{.*UTC.*\}\) -> \d\d:\d\d UTC",
    "structured_output.py": r"the sky: (red|green|blue|yellow), (not )?bright",
    "embeddings_search.py": r"(?m)^-?\d\.\d{3}  .*kitten",
}


@pytest.mark.parametrize("name", PRINTED)
def test_example(served: ServedNetwork, name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        env={**os.environ, "COCOON_URL": served.url},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(PRINTED[name], done.stdout, re.DOTALL), done.stdout
