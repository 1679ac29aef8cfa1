"""How much of a conversation goes along with a question."""

from collections.abc import Sequence

from cocoon.telegram.assistant.values import Model, Turn

CHARS_PER_TOKEN = 2
"""At least so many in most languages; a conversation that is cut too early is only shorter."""
LEAST_ROOM = 1000
PICTURE_CHARS = 2000
"""What a picture takes of the room."""


def room_of(model: Model | None, max_tokens: int, most: int) -> int:
    """Characters of a conversation that fit a model beside its answer.

    Args:
        model: that is asked, if it is known.
        max_tokens: of the answer.
        most: where the model does not say.
    """
    if model is None or model.context <= 0:
        return most
    return max(LEAST_ROOM, (model.context - max_tokens) * CHARS_PER_TOKEN)


def fitting(history: Sequence[Turn], asked: Turn, room: int) -> tuple[Turn, ...]:
    """The newest part of a conversation that fits, begun by the person, and the question."""
    left = room - len(asked.text) - PICTURE_CHARS * len(asked.images)
    taken: list[Turn] = []
    for turn in reversed(history):
        left -= len(turn.text)
        if left < 0:
            break
        taken.append(turn)
    while taken and taken[-1].role != "user":
        taken.pop()
    return (*reversed(taken), asked)
