"""Streams and listeners: RA-TLS, proof of work, routers; bytes between sockets and wire."""
