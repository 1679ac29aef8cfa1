"""Examples of a call, made from the table."""

import json

from cocoon.gateway.openapi.endpoints import Endpoint
from cocoon.gateway.openapi.schema import Schema

ADDRESS = "http://127.0.0.1:10000"
WIDTH = 78

_OPENAI_CALLS = {
    "createChatCompletion": "chat.completions.create",
    "createCompletion": "completions.create",
    "createResponse": "responses.create",
    "createEmbedding": "embeddings.create",
    "createModeration": "moderations.create",
    "createImage": "images.generate",
    "createSpeech": "audio.speech.create",
    "listModels": "models.list",
}
_ANTHROPIC_CALLS = {
    "createMessage": "messages.create",
    "countMessageTokens": "messages.count_tokens",
}


def curl(item: Endpoint) -> str:
    """The call with curl."""
    path = item.path.replace("{", "").replace("}", "")
    if item.method == "get":
        return f"curl {ADDRESS}{path}"
    command = f"curl -X {item.method.upper()} {ADDRESS}{path}"
    if item.media == "multipart/form-data" and item.example is not None:
        return command + "".join(f" \\\n  -F {key}={value}" for key, value in item.example.items())
    if item.example is None:
        return command
    text = json.dumps(item.example, indent=2)
    return f"{command} \\\n  -H 'content-type: application/json' \\\n  -d '{text}'"


def python(item: Endpoint) -> str:
    """The call with the package that people have for it; empty where there is none."""
    if item.name in _OPENAI_CALLS:
        head = (
            "from openai import OpenAI\n\n"
            f'ai = OpenAI(base_url="{ADDRESS}/v1", api_key="none")\n'
            f"answer = ai.{_OPENAI_CALLS[item.name]}("
        )
    elif item.name in _ANTHROPIC_CALLS:
        head = (
            "from anthropic import Anthropic\n\n"
            f'ai = Anthropic(base_url="{ADDRESS}", api_key="none")\n'
            f"answer = ai.{_ANTHROPIC_CALLS[item.name]}("
        )
    else:
        return ""
    return head + _arguments(item.example) + ")"


def _arguments(example: Schema | None) -> str:
    if not example:
        return ""
    return "\n" + "".join(f"    {name}={value!r},\n" for name, value in example.items())
