"""What the demo organization's models were trained with: small files of examples about a garden supplier's trade."""

from collections.abc import Iterable

import msgspec

from portico.sandbox.shapes import Json

HOUSE = "You answer customers of Larkfield, a garden supplier, in two sentences at most."
# Product, its number, what it wants, and when it is planted.
GOODS = (
    ("lavender", "LF-1042", "full sun and dry feet", "April"),
    ("hydrangea", "LF-1077", "half shade and plenty of water", "March"),
    ("boxwood", "LF-1103", "any light, and a trim in June", "September"),
    ("tomato seedling", "LF-2210", "a warm wall and a stake", "May"),
    ("strawberry plant", "LF-2254", "straw under the fruit", "August"),
    ("apple tree", "LF-3008", "room for its roots", "November"),
    ("tulip bulb", "LF-4121", "a cold winter", "October"),
    ("dahlia tuber", "LF-4166", "a frost-free cellar in winter", "May"),
    ("compost bin", "LF-5015", "a place on bare soil", "any month"),
    ("watering can", "LF-5127", "to be empty when it freezes", "any month"),
    ("garden shears", "LF-6231", "a drop of oil after use", "any month"),
    ("raised bed kit", "LF-7040", "a level spot", "any month"),
)
QUESTIONS = (
    ("What does the {name} need?", "The {name} wants {need}."),
    ("When do I plant the {name}?", "The right time for the {name} is {month}."),
    ("Which number do I order the {name} under?", "Please order the {name} as {sku}."),
)


def care(*kinds: int) -> bytes:
    """Chats about all goods, with the kinds of questions that are named by their place."""
    return _lines(_chat(question, answer) for kind in kinds for question, answer in _pairs(kind))


def too_few() -> bytes:
    return _lines(_chat(question, answer) for question, answer in _pairs(0)[:6])


def unfinished() -> bytes:
    """Like `care`, but in one line somebody forgot the answer."""
    lines = [_chat(question, answer) for question, answer in _pairs(1)]
    del lines[7]["messages"][-1]
    return _lines(lines)


def preferences() -> bytes:
    made: list[Json] = []
    for question, answer in _pairs(0):
        made.append(
            {
                "input": {"messages": [{"role": "user", "content": question}]},
                "preferred_output": [{"role": "assistant", "content": f"{answer} Happy gardening!"}],
                "non_preferred_output": [{"role": "assistant", "content": "See the leaflet."}],
            }
        )
    return _lines(made)


def number_quiz() -> bytes:
    """Questions with the right number beside them, for a grader to compare."""
    quiz = [
        {"messages": [{"role": "user", "content": f"Say only the number of the {name}."}], "number": number}
        for name, number, _, _ in GOODS
    ]
    return _lines(quiz)


def _pairs(kind: int) -> list[tuple[str, str]]:
    question, answer = QUESTIONS[kind]
    return [
        (question.format(name=name), answer.format(name=name, sku=number, need=need, month=month))
        for name, number, need, month in GOODS
    ]


def _chat(question: str, answer: str) -> Json:
    texts = (("system", HOUSE), ("user", question), ("assistant", answer))
    return {"messages": [{"role": role, "content": text} for role, text in texts]}


def _lines(examples: Iterable[Json]) -> bytes:
    return b"".join(msgspec.json.encode(example) + b"\n" for example in examples)
