"""From what somebody asks to what the network is asked: model, price limit, how much history."""

from collections.abc import Sequence

from cocoon.telegram.assistant.api import Assistant
from cocoon.telegram.assistant.values import Model, Question, Turn
from cocoon.telegram.bot.asks import Ask
from cocoon.telegram.bot.conversation import fitting, room_of
from cocoon.telegram.settings import TelegramSettings


class Questions:
    """Makes questions.

    Args:
        settings: of the service.
        assistant: knows the models.
    """

    def __init__(self, settings: TelegramSettings, assistant: Assistant) -> None:
        self._settings = settings
        self._assistant = assistant

    async def question(self, ask: Ask, history: Sequence[Turn]) -> Question:
        """What the network is asked, as the chat has chosen.

        Args:
            ask: what somebody asked.
            history: what was said before; as much of it goes along as fits the model.

        Raises:
            UnavailableError: the network cannot be asked.
        """
        settings = self._settings.assistant
        chosen = ask.here.preferences
        name = ask.model or chosen.model
        classes = settings.price_classes
        limit = classes.get(chosen.price_class, classes[settings.price_class])
        model = await self._model(name) if history or limit is None else None
        room = room_of(model, settings.max_tokens, self._settings.limits.prompt_chars)
        return Question(
            user=ask.here.user,
            reference=ask.reference,
            chat=ask.here.chat,
            turns=fitting(history, ask.turn, room - len(chosen.prompt)),
            model=name,
            system=chosen.prompt,
            max_coefficient=dearest(model) if limit is None else limit,
        )

    async def _model(self, name: str) -> Model | None:
        models = [each for each in await self._assistant.models() if "chat" in each.endpoints]
        named = next((each for each in models if each.name == name), None)
        return named or next(iter(models), None)


def dearest(model: Model | None) -> int | None:
    """The limit of price classes without one: what the dearest worker asks now.

    Money is set aside for the dearest worker that is accepted; no limit at all would set aside more
    than anybody has.
    """
    return max(model.coefficients, default=None) if model is not None else None
