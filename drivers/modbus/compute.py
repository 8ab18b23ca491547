"""Computed metrics: a tiny arithmetic of other metrics' names, such as `power_l1 + power_l2`.

Names, numbers, + - * / and parentheses, and min, max, abs and sqrt; nothing else is understood.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telemetry import HaidangError, Value

_LONGEST = 300
"""Characters of a formula."""
_Step = Callable[[Mapping[str, Value]], float]
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Mapping[str, tuple[Callable[..., float], int, int]] = {
    "min": (min, 2, 99),
    "max": (max, 2, 99),
    "abs": (math.fabs, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
}
"""Name → function, and how few and how many numbers it takes."""


class FormulaError(HaidangError):
    """A formula that is not understood; says where and what may stand there."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula ready to be evaluated. names: the metrics it needs."""

    text: str
    names: frozenset[str]
    _step: _Step

    def evaluate(self, values: Mapping[str, Value]) -> float | int | None:
        """The result; None where a value is missing or no number, at a division by zero, past all numbers."""
        try:
            result = self._step(values)
            return result if math.isfinite(result) else None
        except (KeyError, TypeError, ValueError, ArithmeticError):
            return None


def parse_formula(text: str) -> Formula:
    """Raises FormulaError for anything that is not arithmetic of names and numbers."""
    if len(text) > _LONGEST:
        raise FormulaError(f"a formula has at most {_LONGEST} characters, not {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        names: set[str] = set()
        step = _compile(tree, names)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{text!r} is not a formula: write one such as power_l1 + power_l2") from error
    if not names:
        raise FormulaError(f"{text!r} names no metric: it would always be the same")
    return Formula(text, frozenset(names), step)


def _compile(node: ast.expr, names: set[str]) -> _Step:
    if isinstance(node, ast.Name):
        names.add(node.id)
        return _name(node.id)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        number = float(str(node.value))
        return lambda _: number
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        combine = _OPERATORS[type(node.op)]
        left, right = _compile(node.left, names), _compile(node.right, names)
        return lambda values: combine(left(values), right(values))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner, sign = _compile(node.operand, names), -1 if isinstance(node.op, ast.USub) else 1
        return lambda values: sign * inner(values)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _call(node.func.id, [_compile(one, names) for one in node.args])
    raise FormulaError(f"{ast.unparse(node)[:40]!r} may not stand in a formula: {_ALLOWED}")


_ALLOWED = f"there are names, numbers, + - * /, parentheses and {', '.join(_FUNCTIONS)}"


def _name(name: str) -> _Step:
    def value_of(values: Mapping[str, Value]) -> float:
        value = values[name]
        if isinstance(value, str):
            raise TypeError(name)
        return value

    return value_of


def _call(name: str, steps: list[_Step]) -> _Step:
    if name not in _FUNCTIONS:
        raise FormulaError(f"there is no function {name!r} in a formula: {_ALLOWED}")
    function, fewest, most = _FUNCTIONS[name]
    if not fewest <= len(steps) <= most:
        raise FormulaError(f"{name} takes {fewest if fewest == most else f'at least {fewest}'} of them")
    return lambda values: function(*(step(values) for step in steps))
