"""The protocol without IO: bytes in, events out; transitions are tables."""
