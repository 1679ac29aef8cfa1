"""Where the log of a client goes that runs inside somebody else's program."""

import structlog


def keep_quiet() -> None:
    """Log through the standard library, unless the program has set structlog up itself.

    structlog alone would print everything to standard output. So warnings go where the program's
    own go, and the rest is there for whoever asks for it: ``logging.getLogger("cocoon")``.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
