"""The reference page lists exactly the members and codes that the API has."""

import re
from pathlib import Path

import msgspec
import pytest

from cocoon.telegram.web import failures, shapes

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "telegram-app-api.md"
TEXT = PAGE.read_text()


def members(struct: type[msgspec.Struct]) -> set[str]:
    return {one.name for one in msgspec.structs.fields(struct)}


@pytest.mark.parametrize(
    ("start", "struct"),
    [
        ("| `GET me` | | `{", shapes.MeAnswer),
        ("{models: [{", shapes.ModelAnswer),
        ("`GET trust` | | `{", shapes.TrustAnswer),
        ("{days: [{", shapes.UsageDay),
        ("{id, method, state", shapes.TopupAnswer),
        ("`limits` is `{", shapes.AppLimits),
        ("`ton` is `{", shapes.TonTransfer),
        ("| `done` | facts: `{", shapes.FactsAnswer),
        ("| `error` | `{", shapes.ErrorBody),
        ("config.json` → `{", shapes.ConfigAnswer),
        ("| `delta` | `{", shapes.DeltaEvent),
    ],
)
def test_members(start: str, struct: type[msgspec.Struct]) -> None:
    at = TEXT.index(start) + start.index("{")
    listed = TEXT[at : TEXT.index("}", at)].replace("{models: [", "").replace("{days: [", "")
    assert set(re.findall(r"[a-z_]+", listed)) == members(struct)


def test_codes() -> None:
    table = TEXT[TEXT.index("## Errors") : TEXT.index("## Codes")]
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    source = "".join(path.read_text() for path in Path(failures.__file__).parent.glob("*.py"))
    used = set(re.findall(r'(?:_Form|ApiError|wait)\(\s*"([a-z_]+)"', source))
    used |= {"not_found"} if 'ApiError("not_found"' in source else set()
    assert listed == used


def test_notes() -> None:
    table = TEXT[TEXT.index("## Codes") : TEXT.index("## What the app may load")]
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE))
    folder = Path(failures.__file__).parent
    source = (folder / "shown.py").read_text() + (folder / "api.py").read_text()
    assert all(f'"{code}"' in source for code in listed)
