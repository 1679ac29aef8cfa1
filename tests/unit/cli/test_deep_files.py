"""Files that are nested deeper than anybody writes are refused like any other nonsense."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cocoon.cli.attest.policy_file import read_policies
from cocoon.cli.config.load import load_any, load_client, load_proxy, load_worker
from cocoon.errors import ConfigError


@pytest.mark.parametrize("read", [load_client, load_proxy, load_worker, load_any, read_policies])
def test_toml_without_end(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    path = tmp_path / "deep.toml"
    path.write_text("a = " + "[" * 20_000 + "]" * 20_000)
    with pytest.raises(ConfigError, match="not valid TOML"):
        read(path)
