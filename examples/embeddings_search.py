"""Search texts by meaning: turn them into vectors, and compare.

Start a network first (``cocoon up``), then:

    python examples/embeddings_search.py "my cat is ill"

``COCOON_URL`` names another gateway. The demonstration model was made for talking, not for
vectors; with a model made for this, the order is much better.
"""

import math
import os
import sys

import openai

URL = os.environ.get("COCOON_URL", "http://127.0.0.1:10000/v1")
TEXTS = [
    "The vet looked after the kitten.",
    "Central banks raised interest rates.",
    "Bread rises because of yeast.",
]


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (math.hypot(*a) * math.hypot(*b))


def main() -> None:
    query = " ".join(sys.argv[1:]) or "my cat is ill"
    with openai.OpenAI(base_url=URL, api_key=os.environ.get("COCOON_API_KEY", "none")) as ai:
        model = ai.models.list().data[0].id
        vectors = ai.embeddings.create(model=model, input=[query, *TEXTS]).data
        first, *others = (item.embedding for item in vectors)
        found = zip((cosine(first, other) for other in others), TEXTS, strict=True)
        for score, text in sorted(found, reverse=True):
            print(f"{score:.3f}  {text}")


if __name__ == "__main__":
    main()
