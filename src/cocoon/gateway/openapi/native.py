"""What exists only here: fields, headers and the ``cocoon`` block."""

from cocoon.gateway.openapi.schema import (
    INT32_MAX,
    Field,
    Fields,
    Schema,
    array,
    boolean,
    integer,
    nullable,
    number,
    record,
    ref,
    string,
)

HEX32 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
NANOTON = {"type": "integer", "minimum": 0, "description": "nanoTON"}

PIN: Schema = {
    "type": "object",
    "properties": {
        "proxy_images": array(HEX32, maxItems=64),
        "evidence": array(
            string(enum=["tdx", "snp", "tdx-simulated", "snp-simulated", "fake_tdx"]), maxItems=64
        ),
        "operators": array(HEX32, maxItems=64),
    },
    "additionalProperties": False,
    "description": "What the proxy must be; one that is not never sees the request.",
}

NATIVE: Fields = {
    "max_coefficient": Field(
        integer(0, INT32_MAX), "Highest price multiplier accepted, times 1000.", native=True
    ),
    "timeout": Field(
        {"type": "number", "exclusiveMinimum": 0},
        "Seconds for the whole answer; the gateway lowers large values.",
        native=True,
    ),
    "enable_debug": Field(boolean(), "Add the debug record of every hop.", native=True),
    "pin": Field(ref("Pin"), "Which images and kinds of evidence are accepted.", native=True),
    "max_cost": Field(
        integer(0, 2**63 - 1),
        "Most that the request may cost, in nanoTON; one that could cost more is refused with 402.",
        native=True,
    ),
    "request_guid": Field(
        string(maxLength=256),
        "Accepted for callers of the official client, without effect.",
        native=True,
    ),
}
"""Fields of every body that runs an engine."""

REQUEST_HEADERS: dict[str, tuple[Schema, str]] = {
    "X-Cocoon-Max-Coefficient": (integer(0, INT32_MAX), "Like `max_coefficient`."),
    "X-Cocoon-Max-Cost": (integer(0), "Like `max_cost`."),
    "X-Cocoon-Timeout": (string(pattern=r"^\d{1,9}(\.\d{1,9})?$"), "Like `timeout`."),
    "X-Cocoon-User": (string(maxLength=256), "Like `user`."),
    "X-Cocoon-Pin-Image": (string(), "Like `pin.proxy_images`; several with commas."),
    "X-Cocoon-Pin-Evidence": (string(), "Like `pin.evidence`; several with commas."),
    "X-Cocoon-Pin-Operator": (string(), "Like `pin.operators`; several with commas."),
}
"""The same as headers, for programs that cannot add fields; a field goes before its header."""

ANSWER_HEADERS: dict[str, tuple[Schema, str]] = {
    "X-Cocoon-Cost-Nanoton": (integer(0), "What the answer cost, in nanoTON."),
    "X-Cocoon-Total-Tokens": (integer(0), "Adjusted tokens that were charged."),
    "X-Cocoon-Proxy-Image": (HEX32, "Image hash that the proxy attested."),
    "X-Cocoon-Proxy-Evidence": (string(), "Kind of that evidence, such as tdx."),
}
"""Headers of a whole answer; a stream has sent its headers before these are known."""

PEER = record(
    {"image": string(), "evidence": string()},
    {"address": string(), "owner": string()},
    "A member of the network, as far as it is attested.",
)
_COUNT = integer(0)
COCOON_BLOCK = record(
    {
        "cost_nanoton": NANOTON,
        "tokens": record(
            {
                "prompt": _COUNT,
                "cached": _COUNT,
                "completion": _COUNT,
                "reasoning": _COUNT,
                "total": _COUNT,
            },
            text="Adjusted tokens, which are what is charged.",
        ),
        "proxy": ref("Peer"),
        "worker": nullable(ref("Peer")),
        "timings": record({"first_byte": nullable(number(0)), "total": number(0)}),
    },
    None,
    "What the answer cost and who gave it.",
)
