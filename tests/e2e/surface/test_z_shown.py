"""What the tests of this folder have shown is what the compatibility table says that they show.

This file comes last. With ``COCOON_WRITE_SURFACE=1`` it writes ``vectors/surface/embedded.json``
anew; ``tools/generate_api_table.py`` puts it into the table.
"""

import json
import os
from pathlib import Path

import pytest

from cocoon.gateway.openapi.endpoints import ENDPOINTS
from cocoon.testing.served_network import ServedNetwork

pytestmark = pytest.mark.slow

FILE = Path(__file__).parents[3] / "vectors" / "surface" / "embedded.json"


def test_the_record_is_what_was_shown(
    served: ServedNetwork, request: pytest.FixtureRequest
) -> None:
    here = Path(__file__).parent
    files = {item.path for item in request.session.items if item.path.parent == here}
    if files != set(here.glob("test_*.py")) or request.session.testsfailed:
        pytest.skip("not all tests of this folder have run")
    documented = {item.path: set(item.fields or {}) for item in ENDPOINTS if item.runs}
    found = {
        path: sorted(names & documented[path])
        for path, names in sorted(served.gateway.shown.items())
        if path in documented
    }
    if os.environ.get("COCOON_WRITE_SURFACE"):
        FILE.write_text(json.dumps(found, indent=1) + "\n")
    recorded = json.loads(FILE.read_text())
    missing = {
        path: sorted(set(names) - set(found.get(path, ()))) for path, names in recorded.items()
    }
    assert not any(missing.values()), missing
