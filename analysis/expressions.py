"""Conditions on the columns of a table, as a user writes them: ``contrast_right > 0.5 and choice == 1``.

The text is parsed by Python's own parser and walked by hand. Nothing of it is ever evaluated by Python.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_MAX_CHARACTERS = 1000
_GRAMMAR = "columns, numbers, text in quotes, < <= > >= == !=, in [...], and, or, not, + - * / and brackets"


def matching_rows(expression: str, columns: Mapping[str, NDArray[Any]], what: str = "trials") -> NDArray[np.bool_]:
    """Rows of a table for which a condition holds.

    Parameters
    ----------
    expression : str
        Comparisons of columns, numbers and text with ``< <= > >= == !=``, membership with ``in [1, 2]``, joined by
        ``and``, ``or``, ``not``; ``+ - * /`` on numbers. A column whose name is no Python name stands between
        backticks. A comparison with a missing value (NaN) does not hold, ``!=`` included.
    columns : mapping of str to array, shape [n_rows]
    what : str
        What the rows are, for messages.

    Returns
    -------
    bool array, shape [n_rows]

    Raises
    ------
    InputError
        On anything else in the expression, unknown columns, and comparisons of numbers with text.

    Examples
    --------
    >>> columns = {"contrast": np.array([0.0, 0.5, 1.0, np.nan]), "side of cue": np.array(["l", "r", "l", "l"])}
    >>> matching_rows("contrast >= 0.5 and `side of cue` == 'l'", columns)
    array([False, False,  True, False])
    >>> matching_rows("not contrast in [0, 1]", columns)
    array([False,  True, False,  True])
    >>> matching_rows("__import__('os').system('ls')", columns)
    Traceback (most recent call last):
    ...
    semsync.errors.InputError: "__import__('os').system('ls')" has a call, which a condition cannot have: ...
    """
    n_rows = len(next(iter(columns.values()))) if columns else 0
    if len(expression) > _MAX_CHARACTERS:
        raise InputError(f"a condition must not be longer than {_MAX_CHARACTERS} characters, got {len(expression)}")
    quoted: dict[str, str] = {}

    def placeholder(found: re.Match[str]) -> str:
        name = f"column_in_backticks_{len(quoted)}"
        quoted[name] = found[1]
        return name

    try:
        tree = ast.parse(re.sub(r"`([^`]+)`", placeholder, expression).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise InputError(f"{expression!r} is no condition ({reason}); it can have {_GRAMMAR}") from error
    walker = _Walker(expression, columns, quoted, what)
    try:
        with np.errstate(all="ignore"):
            value = walker.value(tree.body)
    except RecursionError as error:
        raise InputError(f"{expression!r} is nested too deeply") from error
    return np.broadcast_to(walker.truth(value), (n_rows,)).copy()


class _Walker:
    """Values of the nodes of an expression; every kind of node that has no line here is refused."""

    def __init__(
        self, expression: str, columns: Mapping[str, NDArray[Any]], quoted: Mapping[str, str], what: str
    ) -> None:
        self.expression, self.columns, self.quoted, self.what = expression, columns, quoted, what

    def value(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float | str):
            return self._constant(node.value)
        if isinstance(node, ast.Name):
            return self._column(node.id)
        if isinstance(node, ast.BoolOp):
            truths = [self.truth(self.value(part)) for part in node.values]
            joined = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
            return joined.reduce(np.broadcast_arrays(*truths))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.truth(self.value(node.operand))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self._number(self.value(node.operand))
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return _ARITHMETIC[type(node.op)](self._number(self.value(node.left)), self._number(self.value(node.right)))
        if isinstance(node, ast.Compare):
            return self._comparison(node)
        names = {"Call": "call", "Attribute": "dot", "Subscript": "bracket behind a name"}
        kind = names.get(type(node).__name__, type(node).__name__)
        raise InputError(f"{self.expression!r} has a {kind}, which a condition cannot have: it can have {_GRAMMAR}")

    def truth(self, value: Any) -> NDArray[np.bool_]:
        array = np.asarray(value)
        if array.dtype.kind == "b":
            return array
        raise InputError(f"{self.expression!r} has a value where a condition is expected, as in 'contrast > 0.5'")

    def _constant(self, value: bool | int | float | str) -> Any:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) < 2**62:
            return value
        return float(value) if abs(value) < 2**1000 else np.copysign(np.inf, 1 if value > 0 else -1)

    def _column(self, name: str) -> NDArray[Any]:
        name = self.quoted.get(name, name)
        if name not in self.columns:
            raise InputError(
                f"{self.expression!r} names {name!r}, which is no column of the {self.what}; they have "
                f"{sorted(self.columns)}"
            )
        return self.columns[name]

    def _number(self, value: Any) -> NDArray[np.float64]:
        if np.asarray(value).dtype.kind not in "iuf":
            raise InputError(f"{self.expression!r} computes with what is no number")
        return np.asarray(value, dtype=np.float64)

    def _comparison(self, node: ast.Compare) -> NDArray[np.bool_]:
        holds: NDArray[np.bool_] = np.array(True)
        left = self.value(node.left)
        for operation, part in zip(node.ops, node.comparators, strict=True):
            if isinstance(operation, ast.In | ast.NotIn):
                if not isinstance(part, ast.List | ast.Tuple | ast.Set) or not part.elts:
                    raise InputError(f"{self.expression!r}: 'in' needs a list of values behind it, as in [1, 2]")
                members = np.logical_or.reduce(
                    np.broadcast_arrays(*(self._compared(operator.eq, left, self.value(one)) for one in part.elts))
                )
                holds = holds & (members if isinstance(operation, ast.In) else ~members & ~_missing(left))
                continue
            if type(operation) not in _COMPARISONS:
                raise InputError(f"{self.expression!r} compares with 'is', expected == or !=")
            right = self.value(part)
            holds = holds & self._compared(_COMPARISONS[type(operation)], left, right)
            left = right
        return holds

    def _compared(self, operation: Callable[[Any, Any], Any], left: Any, right: Any) -> NDArray[np.bool_]:
        left, right = np.asarray(left), np.asarray(right)
        if (left.dtype.kind == "U") != (right.dtype.kind == "U"):
            raise InputError(f"{self.expression!r} compares text with numbers; text stands in quotes")
        return np.asarray(operation(left, right)) & ~_missing(left) & ~_missing(right)


def _missing(value: Any) -> NDArray[np.bool_]:
    array = np.asarray(value)
    return np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, dtype=bool)
