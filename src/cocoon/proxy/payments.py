"""An account's newest payment as the wire carries it."""

from cocoon.proxy.books import ClientRecord, WorkerRecord
from cocoon.wire.events import PaymentUpdated


def payment_update(
    record: ClientRecord | WorkerRecord,
    request_id: bytes | None = None,
    request_tokens: int | None = None,
    client_owner: str | None = None,
) -> PaymentUpdated:
    """The newest payment and counters of an account, as they go on the wire."""
    counter = record.account.counter
    return PaymentUpdated(
        request_id,
        record.signer.latest(),
        int(counter.db),
        int(counter.max),
        request_tokens,
        client_owner,
    )
