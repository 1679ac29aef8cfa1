"""Write docs/reference/openapi.json from the gateway's own tables.

python tools/generate_openapi.py           rewrite it
python tools/generate_openapi.py --check   fail when it is not current
"""

import json
import sys
from pathlib import Path

from cocoon.gateway.openapi import document

PATH = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"


def text() -> str:
    """The file's content: indented, so that a change can be read."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Rewrite or check."""
    made = text()
    if PATH.exists() and PATH.read_text() == made:
        return
    if "--check" in sys.argv[1:]:
        raise SystemExit(f"{PATH} is not current: run python tools/generate_openapi.py")
    PATH.write_text(made)
    print(f"wrote {PATH}")


if __name__ == "__main__":
    main()
