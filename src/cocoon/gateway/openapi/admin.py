"""Keys, budgets and usage: bodies, parameters and answers of the admin API."""

from cocoon.gateway.keys.limits import MAX_AMOUNT, MAX_RATE
from cocoon.gateway.keys.scopes import SCOPES
from cocoon.gateway.openapi.schema import (
    Field,
    Fields,
    Schema,
    array,
    boolean,
    const,
    integer,
    nullable,
    record,
    ref,
    string,
    words,
)

_CAP = nullable(integer(0, MAX_AMOUNT))
_RATE = nullable(integer(0, MAX_RATE))
LIMITS: Schema = {
    "type": "object",
    "properties": {
        "day_nanoton": _CAP,
        "month_nanoton": _CAP,
        "total_nanoton": _CAP,
        "requests_per_minute": _RATE,
        "tokens_per_minute": _RATE,
        "concurrency": _RATE,
    },
    "additionalProperties": False,
    "description": "nanoTON in a UTC day, a UTC month and ever; rates; requests at a time. Null is "
    "what the default says.",
}
CHANGE: Fields = {
    "name": Field(string(minLength=1, maxLength=100), "What people call it."),
    "scopes": Field(array(words(*SCOPES), minItems=1), "What it may do."),
    "models": Field(
        array(string(minLength=1, maxLength=200), maxItems=100),
        "Globs of models that it may use; none is every model.",
    ),
    "limits": Field(ref("Limits"), "Of the key."),
    "user_limits": Field(ref("Limits"), "Of each end user that calls with it."),
    "expires_at": Field(integer(1, 2**40 - 1), "Unix seconds; null is never."),
    "disabled": Field(boolean(), "Refused until it is enabled again."),
    "notes": Field(string(maxLength=2000), "For people."),
}
CREATE: Fields = {**CHANGE, "name": Field(CHANGE["name"].schema, CHANGE["name"].text, True)}
ROTATE: Fields = {
    "overlap_seconds": Field(integer(0, 90 * 86_400), "How long the old secret still works.")
}


def parameter(name: str, schema: Schema, text: str, where: str = "query") -> Schema:
    """A parameter of the path or of the query."""
    made: Schema = {"name": name, "in": where, "schema": schema, "description": text}
    return {**made, "required": True} if where == "path" else made


_ID = string(pattern="^[0-9A-Za-z]{1,64}$")
KEY_ID = (parameter("key_id", _ID, "Public part of the key.", "path"),)
PAGE = (
    parameter("limit", integer(1, 1000), "Most entries to give."),
    parameter("cursor", _ID, "`next_cursor` of the page before."),
)
_DAY = string(format="date")
_OF_KEY = parameter("key", _ID, "Only of this key.")
SUMMARY = (
    parameter("by", string(), "Some of day, key, user, model and endpoint, with commas."),
    parameter("from", _DAY, "First UTC day."),
    parameter("to", _DAY, "Last UTC day."),
    parameter("limit", integer(1, 1000), "Most rows to give."),
    _OF_KEY,
)
EXPORT = (
    parameter("format", words("json", "csv"), "How it is written."),
    parameter("since", integer(0, 2**40), "Unix seconds."),
    parameter("until", integer(0, 2**40), "Unix seconds."),
    parameter("user", string(), "Only of this end user."),
    parameter("limit", integer(1, 10_000), "Most rows to give."),
    parameter("cursor", integer(0, 2**63 - 1), "`next_cursor` of the page before."),
    _OF_KEY,
)

_TIME = nullable(integer(0))
_BUDGET = record(
    {
        "budget": words("day", "month", "total"),
        "period": string(),
        "resets_at": _TIME,
        "cap_nanoton": _TIME,
        "spent_nanoton": integer(0),
        "leased_nanoton": integer(0),
    }
)
SCHEMAS: dict[str, Schema] = {
    "Limits": LIMITS,
    "ApiKey": record(
        {
            "object": const("cocoon.api_key"),
            "id": string(),
            "name": string(),
            "state": words("active", "disabled", "expired", "revoked"),
            "scopes": array(string()),
            "models": array(string()),
            "limits": ref("Limits"),
            "user_limits": ref("Limits"),
            "created_at": integer(0),
            "expires_at": _TIME,
            "revoked_at": _TIME,
            "disabled": boolean(),
        },
        {
            "key": string(description="The whole key; shown once, when it is made."),
            "budgets": array(_BUDGET),
            "notes": string(),
        },
    ),
    "ApiKeyList": record(
        {"object": const("list"), "data": array(ref("ApiKey")), "has_more": boolean()},
        {"next_cursor": nullable(string())},
    ),
    "UsageList": record(
        {
            "object": const("list"),
            "data": array(record({"cost_nanoton": integer(0)})),
            "has_more": boolean(),
        },
        {"next_cursor": nullable(string())},
    ),
    "OwnUsage": record(
        {
            "object": const("cocoon.usage"),
            "key_id": string(),
            "limits": ref("Limits"),
            "budgets": array(_BUDGET),
            "today": array(record({"cost_nanoton": integer(0)})),
        }
    ),
}
