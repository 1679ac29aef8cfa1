"""Run one fuzz target under atheris: ``python tests/fuzz/fuzz_X.py [corpus] [libFuzzer flags]``."""

import sys
from collections.abc import Callable


def main(fuzz_one: Callable[[bytes], None]) -> None:
    """Fuzz until a crash or the limits given on the command line."""
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, fuzz_one)
    atheris.Fuzz()
