"""Ask several questions at a time and show what each answer cost.

Start a network first (``cocoon up``), then:

    python examples/openai_async.py

``COCOON_URL`` names another gateway.
"""

import asyncio
import os

import openai

URL = os.environ.get("COCOON_URL", "http://127.0.0.1:10000/v1")
QUESTIONS = ["Name a colour.", "Name a fruit.", "Name a planet."]


async def ask(ai: openai.AsyncOpenAI, model: str, question: str) -> None:
    try:
        raw = await ai.chat.completions.with_raw_response.create(
            model=model, messages=[{"role": "user", "content": question}], max_tokens=30
        )
    except openai.APIStatusError as error:
        print(f"{question} failed: {error.message} (request {error.request_id})")
        return
    answer = raw.parse().choices[0].message.content
    cost = int(raw.headers["x-cocoon-cost-nanoton"])
    print(f"{question} {answer} ({cost / 1e9:.9f} TON)")


async def main() -> None:
    key = os.environ.get("COCOON_API_KEY", "none")
    async with openai.AsyncOpenAI(base_url=URL, api_key=key) as ai:
        model = (await ai.models.list()).data[0].id
        await asyncio.gather(*(ask(ai, model, question) for question in QUESTIONS))


if __name__ == "__main__":
    asyncio.run(main())
