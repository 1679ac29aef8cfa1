"""Run one fuzz target under atheris: ``python tests/fuzz/fuzz_X.py [corpus] [libFuzzer flags]``."""

import sys
from collections.abc import Callable


def main(fuzz_one: Callable[[bytes], None]) -> None:
    """Fuzz until a crash or the limits given on the command line."""
    import atheris

    atheris.instrument_all()
    # Long inputs from the start: what takes many steps is not reached in short runs otherwise.
    flags = ["-len_control=0", "-max_len=4096"]
    atheris.Setup([sys.argv[0], *flags, *sys.argv[1:]], fuzz_one)
    atheris.Fuzz()
