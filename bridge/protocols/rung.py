"""What one rung of the ladder is: a few parameters, and one change to the plan of a simulation."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from ...named import Named, parameter

if TYPE_CHECKING:
    from .plan import Plan

__all__ = ["Rung", "parameter"]


@dataclasses.dataclass(frozen=True)
class Rung(Named, ABC):
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
    draws_in_nest : bool
        Whether NEST draws them, on each MPI rank its own.
    """

    family: ClassVar[str] = "protocol"
    axis: ClassVar[str]
    sweep: ClassVar[tuple[float, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    is_random: ClassVar[bool] = False
    draws_in_nest: ClassVar[bool] = False

    @abstractmethod
    def change(self, plan: Plan) -> None:
        """Change the plan; called once, before NEST is."""
