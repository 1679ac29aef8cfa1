"""Get an answer that fits a schema, as an object.

Start a network first (``cocoon up``), then:

    python examples/structured_output.py

``COCOON_URL`` names another gateway. The engine cannot write anything but what fits the schema;
whether it is true is another matter with so small a model.
"""

import json
import os
from typing import Any

import openai

URL = os.environ.get("COCOON_URL", "http://127.0.0.1:10000/v1")
COLOUR: Any = {
    "type": "json_schema",
    "json_schema": {
        "name": "colour",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red", "green", "blue", "yellow"]},
                "bright": {"type": "boolean"},
            },
            "required": ["colour", "bright"],
            "additionalProperties": False,
        },
    },
}


def main() -> None:
    with openai.OpenAI(base_url=URL, api_key=os.environ.get("COCOON_API_KEY", "none")) as ai:
        model = ai.models.list().data[0].id
        for thing in ("the sky", "a banana"):
            answer = ai.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": f"Which colour has {thing}?"}],
                response_format=COLOUR,
                max_tokens=60,
                temperature=0,
            )
            found = json.loads(answer.choices[0].message.content or "")
            print(f"{thing}: {found['colour']}, {'bright' if found['bright'] else 'not bright'}")


if __name__ == "__main__":
    main()
