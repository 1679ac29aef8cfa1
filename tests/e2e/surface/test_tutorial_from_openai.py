"""The code of the tutorial "From OpenAI to Cocoon" runs as it stands on the page."""

import re
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from cocoon.testing.served_network import ServedNetwork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[3]
PAGES = ["docs/tutorial/from-openai-to-cocoon.md", "docs/howto/openai-sdk.md"]
ADDRESS = "http://127.0.0.1:10000"


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_the_page(
    served: ServedNetwork, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    """Blocks run one after another, as a reader would paste them; only the port is another."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    names: dict[str, Any] = {"__name__": "tutorial"}
    for number, block in enumerate(blocks, 1):
        code = block.replace(ADDRESS, served.root_url)
        exec(compile(code, f"{page}, block {number}", "exec"), names)  # our own page
    for value in names.values():
        if isinstance(value, openai.OpenAI | anthropic.Anthropic):
            value.close()
    assert capsys.readouterr().out.strip()
