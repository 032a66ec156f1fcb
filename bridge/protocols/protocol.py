"""A protocol: the network as it was trained, and the rungs of realism added to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import InputError
from ...named import parse_named
from ...network_description import NetworkDescription
from .plan import Plan
from .rung import Rung

EXACT = "exact"


@dataclass(frozen=True)
class Protocol:
    """How a network is run in NEST.

    Without a rung it is run exactly as it was trained, with precise spike times (``iaf_psc_exp_ps``) and at most one
    spike per neuron and trial. As text a protocol is ``exact``, or the names of its rungs joined by ``+``, each with
    its parameters behind a colon.

    Attributes
    ----------
    rungs : tuple of Rung
        In the order in which they are applied, whatever order they were named in.

    Examples
    --------
    >>> from semsync.bridge.protocols import Noise, Protocol
    >>> str(Protocol.of("refractory+noise:sd=2"))
    'refractory+noise:sd=2,kind=gaussian,step=0.1,rate=1000'
    >>> Protocol.of("exact")
    Protocol(rungs=())
    >>> Protocol.of([Noise(sd=2.0)]) == Protocol.of("noise:sd=2")
    True
    """

    rungs: tuple[Rung, ...] = ()

    @classmethod
    def of(cls, given: str | Rung | Protocol | Sequence[str | Rung]) -> Protocol:
        """A protocol from its text, a rung, or several of both.

        Raises
        ------
        InputError
            On a name or parameter that there is not, a rung named twice, or one whose company is missing.
        """
        from . import RUNGS

        if isinstance(given, Protocol):
            return given
        parts: list[Rung] = []
        for item in [given] if isinstance(given, (str, Rung)) else given:
            parts += [item] if isinstance(item, Rung) else _parse(item)
        names = [rung.name for rung in parts]
        for rung in parts:
            if names.count(rung.name) > 1:
                raise InputError(f"protocol {rung.name!r} is named more than once")
            for needed in rung.needs:
                if needed not in names:
                    raise InputError(f"protocol {rung.name!r} makes sense only with {needed!r}: {needed}+{rung.name}")
        return cls(tuple(sorted(parts, key=lambda rung: list(RUNGS).index(rung.name))))

    @property
    def draws_in_nest(self) -> bool:
        """Whether random numbers of NEST decide on spikes: they are others on another number of MPI ranks."""
        return any(rung.draws_in_nest for rung in self.rungs)

    def plan(self, description: NetworkDescription, resolution: float, seed: int = 0) -> Plan:
        """What it makes of a network at a step `resolution` [ms].

        Raises
        ------
        InputError
            When this protocol cannot run this network, or NEST has no such step.
        """
        return Plan.of(description, self.rungs, resolution, seed)

    def __str__(self) -> str:
        return "+".join(map(str, self.rungs)) or EXACT


def _parse(text: str) -> list[Rung]:
    from . import get_rung

    rungs = []
    for name, values in parse_named(text, "a protocol"):
        if name != EXACT:
            rungs.append(get_rung(name).of(values))
        elif values:
            raise InputError(f"protocol 'exact' has no parameters, got {', '.join(values)}")
    return rungs
