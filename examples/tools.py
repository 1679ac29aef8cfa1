"""Let the model call a function, and answer with what the function says.

Start a network first (``cocoon up``), then:

    python examples/tools.py

``COCOON_URL`` names another gateway. The demonstration model is too small to decide by itself when
to call something, so the first question demands it.
"""

import json
import os
from datetime import UTC, datetime
from typing import Any

import openai

URL = os.environ.get("COCOON_URL", "http://127.0.0.1:10000/v1")
CLOCK: Any = {
    "type": "function",
    "function": {
        "name": "current_time",
        "description": "Tells the time in a zone",
        "parameters": {
            "type": "object",
            "properties": {"zone": {"type": "string", "enum": ["UTC"]}},
            "required": ["zone"],
            "additionalProperties": False,
        },
    },
}


def current_time(zone: str) -> str:
    return f"{datetime.now(UTC):%H:%M} {zone}"


def main() -> None:
    with openai.OpenAI(base_url=URL, api_key=os.environ.get("COCOON_API_KEY", "none")) as ai:
        model = ai.models.list().data[0].id
        messages: list[Any] = [{"role": "user", "content": "What time is it?"}]
        asked = ai.chat.completions.create(
            model=model,
            messages=messages,
            tools=[CLOCK],
            tool_choice="required",
            max_tokens=60,
            temperature=0,
        )
        message = asked.choices[0].message
        messages.append(message.model_dump(include={"role", "content", "tool_calls"}))
        for call in message.tool_calls or []:
            assert call.type == "function"
            result = current_time(**json.loads(call.function.arguments))
            print(f"{call.function.name}({call.function.arguments}) -> {result}")
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
        answer = ai.chat.completions.create(
            model=model, messages=messages, tools=[CLOCK], tool_choice="none", max_tokens=40
        )
        print(answer.choices[0].message.content)


if __name__ == "__main__":
    main()
