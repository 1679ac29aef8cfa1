"""The reference pages: every configuration key and every option stands in them, as it is."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "generate_reference.py"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_reference", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_current(tool: ModuleType) -> None:
    for path, text in tool.pages().items():
        assert path.read_text() == text, "run: python tools/generate_reference.py"


def test_every_key_and_option_is_there(tool: ModuleType) -> None:
    pages = {path.name: text for path, text in tool.pages().items()}
    for cls in tool.SHARED.values():
        for item in tool.documented_keys(cls):
            assert f"`{item.path.rpartition('.')[2]}`" in pages["configuration.md"]
    for option in ("--root-config", "--disable-ton", "--engine-url", "--json", "--simulated-tee"):
        assert option in pages["cli.md"]


def test_a_missing_block_is_noticed(tool: ModuleType) -> None:
    with pytest.raises(SystemExit, match="do not share"):
        tool.render("<!-- begin a -->\n<!-- end a -->", {"b": ""})
