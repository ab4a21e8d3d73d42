"""The formulas of multi graders: numbers, the other graders' scores, + - * / ^ and a handful of functions."""

import ast
import math
from collections.abc import Callable, Mapping

FUNCTIONS: dict[str, Callable[..., float]] = {
    "min": lambda *scores: min(scores),
    "max": lambda *scores: max(scores),
    "abs": math.fabs,
    "floor": math.floor,
    "ceil": math.ceil,
    "exp": math.exp,
    "sqrt": math.sqrt,
    "log": math.log,
}
LARGEST_POWER = 64


class FormulaBroken(Exception):
    """A formula that can't be read or has no value."""


def names(formula: str) -> set[str]:
    """The scores that a formula uses; raises FormulaBroken where it can't be read."""
    tree = _parse(formula)
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    if unknown := sorted(called - set(FUNCTIONS)):
        raise FormulaBroken(f"there is no function {', '.join(unknown)}")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - called


def evaluate(formula: str, scores: Mapping[str, float]) -> float:
    try:
        value = _value(_parse(formula), scores)
    except (ArithmeticError, ValueError, TypeError) as failure:
        raise FormulaBroken(str(failure)) from None
    if not math.isfinite(value):
        raise FormulaBroken("the result is not a finite number")
    return value


def _parse(formula: str) -> ast.expr:
    try:
        # A caret means a power here, as in most formulas that people write.
        return ast.parse(formula.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise FormulaBroken("it is not a formula") from None


def _value(node: ast.expr, scores: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name in scores:
            return scores[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, scores)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner, scores)
        case ast.BinOp(left=left, op=sign, right=right):
            return _combine(sign, _value(left, scores), _value(right, scores))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return float(FUNCTIONS[name](*[_value(argument, scores) for argument in arguments]))
        case _:
            raise FormulaBroken(f"'{ast.unparse(node)}' has no meaning here")


def _combine(sign: ast.operator, left: float, right: float) -> float:
    match sign:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow() if abs(right) <= LARGEST_POWER:
            power: object = float(left) ** right
            if isinstance(power, float):
                return power
        case _:
            pass
    raise FormulaBroken("only + - * / and ^ with small powers are possible")
