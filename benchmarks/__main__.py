"""Run every benchmark, or those named: ``python -m benchmarks [network ratls …]``."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run the benchmarks one after the other; the first failure's exit status, or 0."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    chosen = sys.argv[1:] or known
    unknown = set(chosen) - set(known)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
        return 2
    for name in chosen:
        print(f"\n== {name}", flush=True)
        status = subprocess.run([sys.executable, str(HERE / f"bench_{name}.py")], check=False)
        if status.returncode:
            return status.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
