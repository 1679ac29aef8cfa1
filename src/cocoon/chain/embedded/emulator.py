"""TON's transaction emulator under wasmtime."""


class Emulator:
    """The virtual machine."""
