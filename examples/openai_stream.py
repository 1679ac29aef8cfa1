"""Print an answer word by word, then what it used.

Start a network first (``cocoon up``), then:

    python examples/openai_stream.py "Why is the sky blue?"

``COCOON_URL`` names another gateway.
"""

import os
import sys

import openai

URL = os.environ.get("COCOON_URL", "http://127.0.0.1:10000/v1")


def main() -> None:
    question = " ".join(sys.argv[1:]) or "Why is the sky blue?"
    with openai.OpenAI(base_url=URL, api_key=os.environ.get("COCOON_API_KEY", "none")) as ai:
        model = ai.models.list().data[0].id
        stream = ai.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": question}],
            max_tokens=100,
            stream=True,
            stream_options={"include_usage": True},
            extra_body={"max_coefficient": 2000, "timeout": 60},
        )
        for chunk in stream:
            if chunk.choices:
                print(chunk.choices[0].delta.content or "", end="", flush=True)
            if chunk.usage:
                print(f"\n\n{model}: {chunk.usage.total_tokens} tokens")


if __name__ == "__main__":
    main()
