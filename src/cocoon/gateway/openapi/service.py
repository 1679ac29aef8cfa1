"""Models, prices, and the gateway itself."""

from cocoon.gateway.openapi.chat import CHAT
from cocoon.gateway.openapi.schema import (
    Fields,
    Schema,
    array,
    const,
    free,
    integer,
    record,
    ref,
    string,
)

QUOTE: Fields = CHAT

SCHEMAS: dict[str, Schema] = {
    "Model": record(
        {
            "id": string(),
            "object": const("model"),
            "created": integer(0),
            "owned_by": string(),
            "workers": array(
                record(
                    {
                        "coefficient": integer(0),
                        "running_requests": integer(0),
                        "max_running_requests": integer(0),
                    }
                )
            ),
        }
    ),
    "ModelList": record({"object": const("list"), "data": array(ref("Model"))}),
    "Quote": free("What a request can cost at most, and who could answer it."),
    "Status": record({"status": string()}),
}
