"""Private inference without a gateway: the program itself is the client of the network.

Start a network first (``cocoon up``), then:

    python examples/cocoon_client.py

``COCOON_DEVNET`` names the state folder of another devnet.
"""

import os

import cocoon


def main() -> None:
    with cocoon.Client(devnet=os.environ.get("COCOON_DEVNET")) as ai:
        model = ai.models.list().data[0].id
        request = {
            "model": model,
            "messages": [{"role": "user", "content": "Say hello."}],
            "max_tokens": 40,
        }
        print(ai.quote(**request))
        answer = ai.chat.completions.create(**request)
        print(answer.choices[0].message.content)
        print(cocoon.cost_of(answer))
        print(ai.balance())
        for proxy in ai.verify().proxies:
            print(f"{proxy.endpoint}: {proxy.kind}, image {proxy.image_hash[:16]}")


if __name__ == "__main__":
    main()
