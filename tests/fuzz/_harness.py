"""Run one fuzz target under atheris: ``python tests/fuzz/fuzz_X.py [corpus] [libFuzzer flags]``."""

import gc
import sys
from collections.abc import Callable
from types import FunctionType

LIBRARIES = ("cocoon", "pytoniq_core")
"""Packages whose code guides the search; instrumenting all that is loaded takes minutes."""
FLAGS = ("-len_control=0", "-max_len=4096")
"""Long inputs from the start: what takes many steps is not reached in short runs otherwise."""


def main(fuzz_one: Callable[[bytes], None]) -> None:
    """Fuzz until a crash or the limits given on the command line."""
    import atheris

    for function in gc.get_objects():
        if type(function) is FunctionType and _guides(function):
            atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], *FLAGS, *sys.argv[1:]], fuzz_one)
    atheris.Fuzz()


def _guides(function: FunctionType) -> bool:
    return str(function.__module__).partition(".")[0] in LIBRARIES
