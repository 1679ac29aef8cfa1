"""Models, prices, and the gateway itself."""

from dataclasses import replace

from cocoon.gateway.openapi.chat import CHAT
from cocoon.gateway.openapi.schema import (
    Field,
    Fields,
    Schema,
    array,
    boolean,
    const,
    free,
    integer,
    nullable,
    record,
    ref,
    string,
)

_RUNNABLE = string(description="Path of an endpoint that takes JSON; without it, a chat.")
QUOTE: Fields = {
    "endpoint": Field(_RUNNABLE, "What the request is for."),
    "request": Field(free(), "The request, where it does not stand here itself."),
    **{name: replace(field, required=False) for name, field in CHAT.items()},
}

_N = integer(0)
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
                    },
                    {
                        "model": string(),
                        "image": string(),
                        "evidence": string(),
                        "engine": string(),
                        "context_length": integer(0),
                        "features": array(string()),
                    },
                )
            ),
            "cocoon": record(
                {
                    "full_names": array(string()),
                    "context_length": integer(0),
                    "max_context_length": integer(0),
                    "input_modalities": array(string()),
                    "output_modalities": array(string()),
                    "features": free(),
                    "coefficient": nullable(integer(0)),
                    "nanoton_per_million_tokens": nullable(free()),
                    "capacity": free(),
                },
                text="Length, modalities, live prices and capacity, over all its workers.",
            ),
        }
    ),
    "ModelList": record({"object": const("list"), "data": array(ref("Model"))}),
    "Quote": record(
        {
            "object": const("quote"),
            "endpoint": string(),
            "model": string(),
            "max_cost_nanoton": integer(0),
            "likely_cost_nanoton": nullable(integer(0)),
            "max_tokens": integer(0),
            "max_coefficient": integer(0),
            "estimated_prompt_tokens": integer(0),
            "estimate": string(),
            "requires": array(string()),
            "coefficient": nullable(integer(0)),
            "coefficients": array(integer(0)),
            "workers": record(
                {"total": _N, "able": _N, "affordable": _N, "free": _N},
                text="How many serve the model, can do it, are cheap enough, and have room.",
            ),
            "available": boolean(),
            "reason": nullable(record({"code": string(), "message": string()})),
        },
        text="What a request can cost at most, what it is likely to, and who could answer it.",
    ),
    "Status": record({"status": string()}),
}
