"""Make ``.venv/integrations``: the packages that Cocoon has plug-ins for, on top of ``.venv``.

Only what ``.venv`` lacks is installed; the rest, Cocoon itself included, is found through a line
in a ``.pth`` file.
"""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
PLACE = HERE / ".venv" / "integrations"
LOCK = HERE / "requirements-integrations.lock"


def main() -> None:
    """Make it, or bring it up to date."""
    python = PLACE / "bin" / "python"
    venv.create(PLACE, with_pip=False, clear=True, symlinks=True)
    below = sysconfig.get_path("purelib")
    folder = Path(_asked(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)),
            *("install", "--quiet", "--no-deps", "--require-hashes", "-r", str(LOCK)),
        ],
        check=True,
    )
    # After what is installed here, which wins.
    (folder / "below.pth").write_text(f"import site; site.addsitedir({below!r})\n")


def _asked(python: Path, code: str) -> str:
    found = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return found.stdout.strip()


if __name__ == "__main__":
    main()
