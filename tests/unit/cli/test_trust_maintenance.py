"""Collateral that cannot be read again for once: the role goes on, and tries later."""

import asyncio
from pathlib import Path

import pytest

from cocoon.cli.config import trust as trusts
from cocoon.cli.config.collateral_files import read_pieces
from cocoon.cli.config.tables import IdentityTable
from cocoon.errors import ConfigError

pytestmark = pytest.mark.anyio


async def test_no_error_of_a_file_ends_maintenance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trusts, "REFRESH_INTERVAL", 0.001)
    trust = trusts.Trust(IdentityTable())
    calls = []

    def refresh() -> None:
        calls.append(1)
        raise OSError(5, "Input/output error")

    trust._maker.refresh.append(refresh)
    maintaining = asyncio.create_task(trust.maintain_collateral())
    async with asyncio.timeout(5):
        while len(calls) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert not maintaining.done()
    maintaining.cancel()


def test_a_directory_that_goes_away_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_self: Path, _pattern: str) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "rglob", gone)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_pieces(tmp_path)
