"""The server of a Mini App with private AI: checks who it is, streams an answer they pay for.

The page sends ``initData`` as Telegram hands it over, and a random id for each question:

    fetch("/ask", {method: "POST", body: JSON.stringify({init_data, id, text})})

    BOT_TOKEN=123456:ABC uvicorn --factory examples.mini_app_server:app
"""

import os
import time
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import cocoon
from cocoon.errors import CocoonError
from cocoon.telegram import Delta, InitDataKeys, PrivateAI, Question, Turn, check_init_data

MAX_AGE = 3600.0


def app(ai: PrivateAI | None = None, token: str | None = None) -> Starlette:
    """The application; both arguments come from the environment when they are not given."""
    private = ai or PrivateAI(cocoon.AsyncClient(), store="app.sqlite")
    keys = InitDataKeys.of_bot(token or os.environ["BOT_TOKEN"], None)

    async def ask(request: Request) -> Response:
        asked = await request.json()
        try:
            who = check_init_data(asked["init_data"], keys, time.time(), MAX_AGE)
        except CocoonError as error:
            return JSONResponse({"error": str(error)}, error.http_status)
        question = Question(
            user=who.user,
            reference=f"app:{who.user}:{asked['id']}",  # the same id is charged once
            chat=f"app:{who.user}",
            turns=(Turn("user", asked["text"]),),
        )
        return StreamingResponse(pieces(question), media_type="text/plain; charset=utf-8")

    async def pieces(question: Question) -> AsyncIterator[str]:
        try:
            async for event in private.answer(question):
                if isinstance(event, Delta):
                    yield event.text
        except CocoonError as error:
            yield f"\n[{error}]"

    return Starlette(routes=[Route("/ask", ask, methods=["POST"])])
