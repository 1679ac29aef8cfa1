"""Any body of the admin API is read or refused; any credential is a key's form or is not."""

from cocoon.gateway.keys.changes import read_changes, read_rotation
from cocoon.gateway.keys.secret import split_key
from cocoon.gateway.refusal import Refusal, error_answer


def fuzz_one(data: bytes) -> None:
    """Feed one input to the readers of the admin API and to the form of keys."""
    split_key(data)
    for read in (read_changes, read_rotation):
        try:
            read(data)
        except Refusal as refusal:
            error_answer(refusal)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
