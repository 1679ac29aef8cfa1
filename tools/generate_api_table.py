"""Write the tables of docs/reference/openai-compatibility.md from what the code does.

    python tools/generate_api_table.py           rewrite them
    python tools/generate_api_table.py --check   fail when they are not current

Each cell is found by `cocoon.testing.surface`, which sends a body with the field through the
gateway's reader, a worker's rules and the engine's words. The column of official workers goes by
the stand-in in tests/conformance/official, which was written from the protocol's description alone.
What tests/e2e/surface have shown with the real model is in vectors/surface/embedded.json.
"""

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

from cocoon.engine.dialects import DIALECTS
from cocoon.gateway.openapi.endpoints import ENDPOINTS
from cocoon.testing.surface import COLUMNS, ENGINES, REFUSED, Cell, Row, rows

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "openai-compatibility.md"
SHOWN = ROOT / "vectors" / "surface" / "embedded.json"
BEGIN, END = "<!-- begin tables -->\n", "<!-- end tables -->\n"
_UNKNOWN = re.compile(r"^unknown option '\w+' in request$")
TRANSLATED = {
    "/v1/responses": "/v1/chat/completions",
    "/v1/messages": "/v1/chat/completions",
    "/v1/messages/count_tokens": "/tokenize",
    "/v1/tokenize": "/tokenize",
    "/v1/detokenize": "/detokenize",
}


def official_rules() -> ModuleType:
    """The stand-in's rules, from their file: the folder is no package."""
    path = ROOT / "tests" / "conformance" / "official" / "validate.py"
    spec = importlib.util.spec_from_file_location("official_validate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found_rows() -> list[Row]:
    """The whole table."""
    module = official_rules()

    def official(path: str, body: bytes, model: str) -> bytes:
        try:
            made: bytes = module.validate(path, body, model)
        except module.RefusedBodyError as error:
            raise ValueError(str(error)) from None
        return made

    return list(rows(official))


def tables() -> str:
    """All of the page between its marks."""
    shown = {path: set(names) for path, names in json.loads(SHOWN.read_text()).items()}
    by_path: dict[str, list[Row]] = {}
    for row in found_rows():
        by_path.setdefault(row.path, []).append(row)
    parts = ["## Endpoints\n", _endpoints(), ""]
    for path, members in by_path.items():
        parts += [f"## `{path}`\n", _fields(members, shown.get(path, set())), ""]
    return "\n".join(parts)


def _endpoints() -> str:
    lines = ["| endpoint | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for endpoint in ENDPOINTS:
        if not endpoint.runs:
            continue
        path = TRANSLATED.get(endpoint.path, endpoint.path)
        cells = ["yes" if path in dialect.paths else "no" for dialect in ENGINES.values()]
        cells.append("yes" if path.endswith("/completions") else "no")
        if endpoint.path in TRANSLATED:
            cells = [f"as `{path}`" if cell == "yes" else cell for cell in cells]
        lines.append(f"| `{endpoint.path}` | " + " | ".join(cells) + " |")
    any_engine = ", ".join(
        f"`{path}`"
        for path in DIALECTS["openai"].paths
        if not any(path in dialect.paths for dialect in ENGINES.values())
    )
    return "\n".join(lines) + (
        f"\n\nAny other OpenAI-compatible server can serve {any_engine} as well, if its worker's "
        "configuration says that it does. Where no worker does, the answer says so, and costs "
        "nothing."
    )


def _fields(members: list[Row], shown: set[str]) -> str:
    notes: list[str] = []
    lines = ["| field | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in members:
        cells = []
        for column, cell in zip(COLUMNS, row.cells, strict=True):
            text = _cell(row.name, cell, notes)
            proven = column == COLUMNS[0] and row.name in shown and cell.result != REFUSED
            cells.append(f"**{text}**" if proven else text)
        name = f"`{row.name}` (own)" if row.native else f"`{row.name}`"
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    listed = "\n".join(f"{number}. {note}" for number, note in enumerate(notes, 1))
    return "\n".join(lines) + (f"\n\n{listed}" if notes else "")


def _cell(name: str, cell: Cell, notes: list[str]) -> str:
    why = cell.why.replace(f"field '{name}': ", "").replace("|", "\\|")
    why = _UNKNOWN.sub("official workers do not know this field", why)
    if not why:
        return cell.result
    if why not in notes:
        notes.append(why)
    return f"{cell.result} {notes.index(why) + 1}"


def main() -> None:
    """Rewrite or check."""
    page = PAGE.read_text()
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    made = head + BEGIN + tables() + END + tail
    if page == made:
        return
    if "--check" in sys.argv[1:]:
        raise SystemExit(f"{PAGE} is not current: run python tools/generate_api_table.py")
    PAGE.write_text(made)
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
