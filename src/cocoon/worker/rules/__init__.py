"""Allow-lists for the bodies of every endpoint, as data. The door is `cocoon.worker.validation`."""
