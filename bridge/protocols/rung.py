"""What one rung of the ladder is: a few parameters, and one change to the plan of a simulation."""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from ...errors import InputError

if TYPE_CHECKING:
    from .plan import Plan


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
    """A field of a rung: its default, what it means, and which values are allowed."""
    limits = {"minimum": minimum, "maximum": maximum, "above": above, "choices": choices}
    return dataclasses.field(default=default, metadata={"meaning": meaning, "unit": unit, **limits})


@dataclasses.dataclass(frozen=True)
class Rung(ABC):
    """One change towards realism.

    Attributes
    ----------
    name : str
        What a user calls it.
    axis : str
        The parameter along which the rung is usually swept.
    sweep : tuple of float
        Values of `axis` that show its course.
    needs : tuple of str
        Rungs without which this one makes no sense.
    is_random : bool
        Whether trials draw random numbers.

    Raises
    ------
    InputError
        On a parameter outside its limits.
    """

    name: ClassVar[str]
    axis: ClassVar[str]
    sweep: ClassVar[tuple[float, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    is_random: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            object.__setattr__(self, item.name, self._checked(item, getattr(self, item.name)))

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Rung:
        """A rung with some parameters, as numbers or as text.

        Raises
        ------
        InputError
            On a parameter that it does not have, or a value outside its limits.
        """
        known = [item.name for item in dataclasses.fields(cls)]
        for key in settings:
            if key not in known:
                raise InputError(f"protocol {cls.name!r} has no parameter {key!r}; it has {', '.join(known)}")
        return cls(**settings)

    @abstractmethod
    def change(self, plan: Plan) -> None:
        """Change the plan; called once, before NEST is."""

    def __str__(self) -> str:
        values = ((item.name, getattr(self, item.name)) for item in dataclasses.fields(self))
        settings = ",".join(f"{key}={_text(value)}" for key, value in values if value is not None)
        return f"{self.name}:{settings}" if settings else self.name

    def _checked(self, item: dataclasses.Field[Any], value: Any) -> Any:
        limits, where = item.metadata, f"{item.name} of protocol {self.name!r}"
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
