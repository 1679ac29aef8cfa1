import json
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.accounting import (
    Funds,
    Nano,
    PriceList,
    TokenCounts,
    Tokens,
    adjust,
    tokens_available,
)

VECTORS = Path(__file__).parents[3] / "vectors" / "accounting"


def load(name: str) -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads((VECTORS / name).read_text())["vectors"]
    return vectors


@pytest.mark.parametrize("vector", load("adjust.json"), ids=lambda vector: vector["name"])
def test_adjusted_tokens(vector: dict[str, Any]) -> None:
    if vector["expect"] == "ok":
        assert adjust(*vector["input"]) == vector["value"]
    else:
        with pytest.raises(getattr(errors, vector["expect"])):
            adjust(*vector["input"])


@pytest.mark.parametrize("vector", load("available.json"), ids=lambda vector: vector["name"])
def test_tokens_available(vector: dict[str, Any]) -> None:
    given = vector["input"]
    funds = Funds(Nano(given["balance"]), Nano(given["stake"]), Tokens(given["charged"]))
    price = Nano(given["price"])
    assert tokens_available(funds, given["reserved"], given["used"], price) == vector["value"]


@pytest.mark.parametrize("vector", load("usage.json"), ids=lambda vector: vector["name"])
def test_usage(vector: dict[str, Any]) -> None:
    prices = PriceList(Nano(2), Nano(1), *vector["multipliers"])
    if vector["expect"] == "ok":
        usage = TokenCounts(*vector["counts"]).adjusted(vector["coefficient"], prices)
        parts = [usage.prompt, usage.cached, usage.completion, usage.reasoning, usage.total]
        assert parts == vector["value"]
    else:
        with pytest.raises(getattr(errors, vector["expect"])):
            TokenCounts(*vector["counts"])
