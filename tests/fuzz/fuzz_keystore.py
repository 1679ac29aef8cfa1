"""Any bytes as an encrypted key file: refused, or read and written back. No key is derived.

The first byte chooses: even, the rest is the file; odd, the rest is laid over a genuine one.
"""

from cocoon.chain.keystore import MIN_COST, Keystore, parse_keystore
from cocoon.errors import ConfigError

_GENUINE = Keystore(bytes(32), MIN_COST, bytes(32), bytes(12), bytes(48)).to_bytes()


def fuzz_one(data: bytes) -> None:
    content = data[1:]
    if data[:1] and data[0] & 1:
        content = bytes(
            byte ^ (content[index] if index < len(content) else 0)
            for index, byte in enumerate(_GENUINE)
        )
    try:
        keystore = parse_keystore(content)
    except ConfigError:
        return
    if parse_keystore(keystore.to_bytes()) != keystore:
        raise AssertionError("key file does not round-trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
