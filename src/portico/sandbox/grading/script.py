"""Runs a python grader's `grade(sample, item)` in a small, tame part of Python, step by step.

Known are values, conditions, loops over what is there, try, and harmless functions and methods; no imports, no own
classes, nothing that reaches outside. All else stops the script with a sentence that names it.
"""

import ast
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from portico.sandbox.grading.script_values import FUNCTIONS, METHODS, ScriptStopped, combine, compare, sized
from portico.sandbox.shapes import Json, is_list, is_record

LONGEST_SOURCE = 256 * 1024
MOST_STEPS = 20_000
TROUBLE = (ArithmeticError, AttributeError, KeyError, IndexError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class _Returned:
    value: Any


def parse(source: str) -> ast.FunctionDef:
    """The script's `grade` function; raises ScriptStopped where there is none."""
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as failure:
        raise ScriptStopped(f"the source can't be read: {failure}") from None
    found = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == "grade"]
    if not found or len(found[-1].args.args) != 2:
        raise ScriptStopped("the source must define grade(sample, item)")
    return found[-1]


def run(source: str, sample: Json, item: Json) -> float:
    """What `grade` returns, as a number."""
    function = parse(source)
    first, second = (argument.arg for argument in function.args.args)
    try:
        ended = _Runner({first: deepcopy(sample), second: deepcopy(item)}).block(function.body)
    except RecursionError:
        raise ScriptStopped("it is nested too deeply") from None
    value = ended.value if ended is not None else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ScriptStopped(f"grade returned {value!r}, which is not a number")
    return float(value)


@dataclass(slots=True)
class _Runner:
    names: dict[str, Any]
    steps: int = 0

    def block(self, statements: list[ast.stmt]) -> _Returned | None:
        for statement in statements:
            ended = self.statement(statement)
            if ended is not None:
                return ended
        return None

    def statement(self, node: ast.stmt) -> _Returned | None:
        self.count()
        match node:
            case ast.Return(value=value):
                return _Returned(None if value is None else self.guarded(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.names[name] = self.guarded(value)
            case ast.AugAssign(target=ast.Name(id=name), op=sign, value=value):
                self.names[name] = self.guarded(ast.BinOp(ast.Name(name), sign, value))
            case ast.If(test=test, body=body, orelse=otherwise):
                return self.block(body if self.guarded(test) else otherwise)
            case ast.For(target=ast.Name(id=name), iter=source, body=body, orelse=[]):
                return self.loop(name, self.guarded(ast.Call(ast.Name("list"), [source], [])), body)
            case ast.Try(body=body, handlers=handlers, orelse=[], finalbody=[]) if handlers:
                return self.attempt(body, handlers[0].body)
            case ast.Expr(value=value):
                self.guarded(value)
            case ast.Pass():
                pass
            case _:
                raise _unknown(node)
        return None

    def loop(self, name: str, items: Any, body: list[ast.stmt]) -> _Returned | None:
        for item in sized(items):
            self.names[name] = item
            ended = self.block(body)
            if ended is not None:
                return ended
        return None

    def attempt(self, body: list[ast.stmt], rescue: list[ast.stmt]) -> _Returned | None:
        try:
            return self.block(body)
        except ScriptStopped as stopped:
            if not stopped.can_be_caught:
                raise
            return self.block(rescue)

    def guarded(self, node: ast.expr) -> Any:
        """The value of an expression; what Python itself would raise stops the script, unless it is caught."""
        try:
            return self.value(node)
        except TROUBLE as failure:
            raise ScriptStopped(f"{type(failure).__name__}: {failure}", can_be_caught=True) from None

    def value(self, node: ast.expr) -> Any:
        self.count()
        match node:
            case ast.Constant(value=str() | int() | float() | bool() | None as constant):
                return constant
            case ast.Name(id=name):
                return self.name(name)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item) for item in items]
            case ast.BinOp(left=left, op=sign, right=right):
                return combine(sign, self.value(left), self.value(right))
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -self.value(inner)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return not self.value(inner)
            case ast.IfExp(test=test, body=chosen, orelse=other):
                return self.value(chosen if self.value(test) else other)
            case ast.BoolOp(op=sign, values=parts):
                return self.logic(isinstance(sign, ast.And), parts)
            case _:
                return self.longer_value(node)

    def longer_value(self, node: ast.expr) -> Any:
        match node:
            case ast.Compare(left=left, ops=signs, comparators=others):
                values = [self.value(part) for part in (left, *others)]
                pairs = zip(signs, values, values[1:], strict=False)
                return all(compare(sign, one, other) for sign, one, other in pairs)
            case ast.Subscript(value=inner, slice=ast.Slice(lower=lower, upper=upper, step=None)):
                ends = [None if end is None else self.value(end) for end in (lower, upper)]
                return self.value(inner)[slice(*ends)]
            case ast.Subscript(value=inner, slice=key):
                return self.value(inner)[self.value(key)]
            case ast.Dict(keys=keys, values=values) if None not in keys:
                return {self.value(key): self.value(value) for key, value in zip(keys, values, strict=True) if key}
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.call(name, [self.value(argument) for argument in arguments])
            case ast.Call(func=ast.Attribute(value=inner, attr=method), args=arguments, keywords=[]):
                return self.method(self.value(inner), method, [self.value(argument) for argument in arguments])
            case _:
                raise _unknown(node)

    def logic(self, is_and: bool, parts: list[ast.expr]) -> Any:
        value: Any = is_and
        for part in parts:
            value = self.value(part)
            if bool(value) != is_and:
                break
        return value

    def name(self, name: str) -> Any:
        if name not in self.names:
            raise ScriptStopped(f"there is no name '{name}' here")
        return self.names[name]

    def call(self, name: str, arguments: list[Any]) -> Any:
        if name not in FUNCTIONS:
            raise ScriptStopped(f"the function '{name}' is not known here")
        return sized(FUNCTIONS[name](*arguments))

    def method(self, owner: object, name: str, arguments: list[Any]) -> Any:
        kind = str if isinstance(owner, str) else dict if is_record(owner) else list if is_list(owner) else None
        if kind is None or name not in METHODS[kind]:
            raise ScriptStopped(f"the method '{name}' is not known here")
        return sized(getattr(owner, name)(*arguments))

    def count(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise ScriptStopped("it takes too many steps")


def _unknown(node: ast.AST) -> ScriptStopped:
    return ScriptStopped(f"'{type(node).__name__}' is not known here (line {getattr(node, 'lineno', 0)})")
