"""What a user calls by name, with its parameters behind a colon: ``noise:sd=2,kind=gaussian``.

Rungs of protocols and additional analyses are such things: a frozen dataclass each, checked when it is made.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from .errors import InputError


def parameter(
    default: Any,
    meaning: str,
    *,
    unit: str = "",
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above: float = -math.inf,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field: its default, what it means, and which values are allowed. A whole default takes whole numbers only."""
    limits = {"minimum": minimum, "maximum": maximum, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata={"meaning": meaning, "unit": unit, **limits})


@dataclasses.dataclass(frozen=True)
class Named:
    """Something with a name and parameters, in an order of fields that :func:`parameter` made.

    Attributes
    ----------
    family : str
        What messages call its kind.
    name : str
        What a user calls it.

    Raises
    ------
    InputError
        On a parameter outside its limits.
    """

    family: ClassVar[str]
    name: ClassVar[str]

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            object.__setattr__(self, item.name, self._checked(item, getattr(self, item.name)))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """One with some parameters, as numbers or as text.

        Raises
        ------
        InputError
            On a parameter that it does not have, or a value outside its limits.
        """
        known = [item.name for item in dataclasses.fields(cls)]
        for key in settings:
            if key not in known:
                has = f"it has {', '.join(known)}" if known else "it has none"
                raise InputError(f"{cls.family} {cls.name!r} has no parameter {key!r}; {has}")
        return cls(**settings)

    def __str__(self) -> str:
        values = ((item.name, getattr(self, item.name)) for item in dataclasses.fields(self))
        settings = ",".join(f"{key}={_text(value)}" for key, value in values if value is not None)
        return f"{self.name}:{settings}" if settings else self.name

    def _checked(self, item: dataclasses.Field[Any], value: Any) -> Any:
        limits, where = item.metadata, f"{item.name} of {self.family} {self.name!r}"
        if limits["choices"]:
            if value not in limits["choices"]:
                raise InputError(f"{where} must be one of {', '.join(limits['choices'])}, got {value!r}")
            return value
        if value is None and item.default is None:
            return None
        whole = isinstance(item.default, int)
        try:
            number = int(value) if whole else float(value)
        except (TypeError, ValueError):
            raise InputError(f"{where} must be a {'whole ' * whole}number, got {value!r}") from None
        inside = limits["minimum"] <= number <= limits["maximum"] and number > limits["above"]
        if not (math.isfinite(number) and inside) or (whole and number != float(value)):
            raise InputError(f"{where} must be {_bounds(limits, whole)}{_unit(limits)}, got {value!r}")
        return number


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def _bounds(limits: Mapping[str, Any], whole: bool) -> str:
    parts = ["a whole number" if whole else "a finite number"]
    for key, sign in (("minimum", ">="), ("above", ">"), ("maximum", "<=")):
        if math.isfinite(limits[key]):
            parts.append(f"{sign} {limits[key]:g}")
    return " ".join(parts[:1]) + ("" if len(parts) == 1 else " " + " and ".join(parts[1:]))


def _unit(limits: Mapping[str, Any]) -> str:
    return f" {limits['unit']}" if limits["unit"] else ""


def parse_named(text: str, what: str) -> list[tuple[str, dict[str, str]]]:
    """Names and parameters in a text such as ``refractory:t_ref=2+noise``.

    Raises
    ------
    InputError
        When parameters are not written as key=value; `what` is what the message calls their owner.

    Examples
    --------
    >>> from semsync.named import parse_named
    >>> parse_named("refractory:t_ref=2+noise", "protocol")
    [('refractory', {'t_ref': '2'}), ('noise', {})]
    """
    found = []
    for part in re.split(r"\+(?!\d)", text):  # not the sign of an exponent
        name, _, settings = part.strip().partition(":")
        values = {}
        for setting in filter(None, settings.split(",")):
            key, equals, value = setting.partition("=")
            if not equals:
                raise InputError(f"parameters of {what} are written as {name}:key=value,..., got {setting!r}")
            values[key.strip()] = value.strip()
        found.append((name, values))
    return found
