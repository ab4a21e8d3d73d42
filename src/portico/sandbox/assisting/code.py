"""A code interpreter that runs nothing: it writes Python for what was asked and says what that would print."""

import re

from portico.sandbox.file_store import live_files
from portico.sandbox.mind.prose import SUM
from portico.sandbox.wire import Ask

WANTED = re.compile(
    r"\b(?:calculat\w*|comput\w*|python|code|average|mean of|sum of|count|how (?:many|large|big|long)|csv)\b", re.I
)
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def wants_code(asked: str, files: list[str]) -> bool:
    return bool(SUM.search(asked) or WANTED.search(asked) or files)


def run_code(ask: Ask, asked: str, file_ids: list[str]) -> tuple[str, str]:
    """The code, and what it prints: a calculation, the sizes of the files, a sum of numbers, or a count of words."""
    if found := SUM.search(asked):
        return _calculate(found[1], {"x": "*", "×": "*", "÷": "/"}.get(found[2], found[2]), found[3])
    files = [file for file_id in file_ids if (file := live_files(ask).look(file_id)) is not None]
    if files:
        paths = [f"/mnt/data/{file.filename}" for file in files]
        code = f"import os\nfor path in {paths!r}:\n    print(path, os.path.getsize(path))"
        printed = [f"{path} {file.blob.size}" for path, file in zip(paths, files, strict=True)]
        return code, "\n".join(printed) + "\n"
    if len(numbers := NUMBER.findall(asked)) > 1:
        return f"print(sum([{', '.join(numbers)}]))", f"{sum(_number(number) for number in numbers)}\n"
    return f"print(len({asked!r}.split()))", f"{len(asked.split())}\n"


def _calculate(left: str, sign: str, right: str) -> tuple[str, str]:
    code, one, other = f"print({left} {sign} {right})", _number(left), _number(right)
    if sign == "/":
        return code, f"{one / other}\n" if other else "ZeroDivisionError: division by zero\n"
    return code, f"{one * other if sign == '*' else one + other if sign == '+' else one - other}\n"


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)
