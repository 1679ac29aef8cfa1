"""The demo: one request through a whole network, and the facts about it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from cocoon.devnet.chat import ChatAnswer, ask
from cocoon.devnet.network import Network
from cocoon.devnet.payments import SignedTotals, signed_totals, wait_signed
from cocoon.devnet.settled import Settled
from cocoon.errors import RemoteProtocolError

DEFAULT_PROMPT = "Why is the sky blue? Answer in two sentences."
MAX_TOKENS = 160
SIGNED_TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo shows.

    Attributes:
        answer: the model's answer with its usage and who gave it.
        payments: what client and workers were signed for because of it.
        start_seconds: how long the network took to start.
        settled: what was settled on chain; None when TON is simulated.
    """

    answer: ChatAnswer
    payments: SignedTotals
    start_seconds: float
    settled: Settled | None = None

    def document(self) -> dict[str, Any]:
        """The JSON object of ``--json``."""
        answer = self.answer
        return {
            "answer": answer.text,
            "model": answer.model,
            "usage": answer.usage,
            "cost_nanoton": answer.cost,
            "proxy": answer.peer("proxy"),
            "worker": answer.peer("worker"),
            "payments": asdict(self.payments),
            "chain": None if self.settled is None else self.settled.document(),
            "timings": {
                "start_seconds": round(self.start_seconds, 3),
                "first_token_seconds": round(answer.first_token, 3),
                "total_seconds": round(answer.duration, 3),
                "tokens_per_second": round(answer.tokens_per_second, 1),
            },
        }


async def run_demo(network: Network, prompt: str, on_text: Callable[[str], None]) -> DemoResult:
    """Ask one question, wait until everybody holds a signature for it, and settle it on chain.

    Args:
        network: a started network.
        prompt: what to ask.
        on_text: called with every piece of the answer.

    Raises:
        CocoonError: the network failed to answer, or to sign.
    """
    running = network.running
    before = await signed_totals(running)
    settlement = network.settlement()
    if settlement is not None:
        await settlement.begin()
    messages = [{"role": "user", "content": prompt}]
    answer = await ask(running.gateway_url, running.model, messages, on_text, max_tokens=MAX_TOKENS)
    if answer.adjusted_tokens <= 0 or not answer.peer("worker")["image_hash"]:
        raise RemoteProtocolError("the gateway did not say what the answer cost and who gave it")
    payments = await wait_signed(running, before, answer.adjusted_tokens, SIGNED_TIMEOUT)
    settled = None
    if settlement is not None:
        settled = await settlement.finish(payments.client_nanoton, payments.worker_nanoton)
    return DemoResult(answer, payments, network.start_seconds, settled)
