"""Reading fixed binary structures of evidence front to back."""

from cocoon.errors import EvidenceError


class Reader:
    """Takes fields off the front of a buffer; all integers are little-endian.

    Args:
        data: the buffer.
        what: its name in error messages.
    """

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._what = what
        self._at = 0

    @property
    def position(self) -> int:
        """How many bytes were taken."""
        return self._at

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes.

        Raises:
            EvidenceError: fewer are left.
        """
        end = self._at + length
        if end > len(self._data):
            raise EvidenceError(f"{self._what}: ends {end - len(self._data)} bytes early")
        found = self._data[self._at : end]
        self._at = end
        return found

    def uint(self, length: int) -> int:
        """The next ``length`` bytes as a number.

        Raises:
            EvidenceError: fewer are left.
        """
        return int.from_bytes(self.take(length), "little")

    def sized(self, length_bytes: int, limit: int) -> bytes:
        """Bytes behind their own length.

        Args:
            length_bytes: of the length.
            limit: the largest accepted length.

        Raises:
            EvidenceError: longer than the limit, or fewer are left.
        """
        length = self.uint(length_bytes)
        if length > limit:
            raise EvidenceError(f"{self._what}: a field of {length} bytes, at most {limit}")
        return self.take(length)

    def zeros(self, length: int) -> None:
        """Skip reserved bytes.

        Raises:
            EvidenceError: one is not zero, or fewer are left.
        """
        if any(self.take(length)):
            raise EvidenceError(f"{self._what}: reserved bytes are not zero")

    def finish(self) -> None:
        """Require that nothing is left.

        Raises:
            EvidenceError: bytes are left over.
        """
        if self.remaining:
            raise EvidenceError(f"{self._what}: {self.remaining} bytes too many")
