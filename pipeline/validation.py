"""How a trained network fares under ever more realistic dynamics: curves along the rungs of the ladder."""

from __future__ import annotations

import logging
import shutil
import statistics
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields
from functools import partial
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import bridge
from ..bridge.protocols import RUNGS, Protocol, get_rung
from ..errors import InputError
from ..models.encoding import encoder_from
from .networks import load_network
from .progress import Progress, silent
from .reporting import validation_report
from .run_folder import RunFolder, read_json, write_json
from .saved_network import load_stimuli
from .stages import accuracy

if TYPE_CHECKING:
    from ..analysis.analyze import Analysis
    from ..network_description import NetworkDescription
    from ..spike_table import SpikeTable

logger = logging.getLogger(__name__)

N_PERMUTATIONS = 99  # for bias corrections alone; no p-value is reported
LAYER_COLUMNS = (
    "packet_size",
    "packet_shortest_half_ms",
    "packet_shortest_half_matched_ms",
    "information_gain_E",
    "information_gain_I",
    "decoding_accuracy",
)


@dataclass(frozen=True)
class Curve:
    """One protocol, swept along one parameter.

    Attributes
    ----------
    name : str
        The protocol as the user named it.
    axis, unit : str
        The parameter, as ``rung.parameter``, and its unit.
    values : tuple of float
    protocols : tuple of Protocol
        One a value.
    """

    name: str
    axis: str
    unit: str
    values: tuple[float, ...]
    protocols: tuple[Protocol, ...]


def curves(protocols: Sequence[str] = (), sweep: str | None = None) -> list[Curve]:
    """What is to be simulated.

    Parameters
    ----------
    protocols : sequence of str
        Without any, every rung of the ladder by itself.
    sweep : str, optional
        ``key=a,b,c``, the key a parameter of the protocol's last rung or ``rung.parameter``. Without it every protocol
        is swept along the usual axis of its last rung.

    Raises
    ------
    InputError
        On protocols, keys or values that there are not.

    Examples
    --------
    >>> [curve] = curves(["refractory+noise"], "sd=0.5,1")
    >>> curve.axis, curve.values, str(curve.protocols[0])
    ('noise.sd', (0.5, 1.0), 'refractory+noise:sd=0.5,kind=gaussian,step=0.1,rate=1000')
    """
    if sweep is not None and not protocols:
        raise InputError("a sweep needs the protocol that it sweeps; name it with --protocol")
    return [_curve(name, sweep) for name in protocols or _ladder()]


def _ladder() -> list[str]:
    return ["+".join((*get_rung(name).needs, name)) for name in RUNGS]


def _curve(name: str, sweep: str | None) -> Curve:
    protocol = Protocol.of(name)
    if not protocol.rungs:
        if sweep is not None:
            raise InputError("protocol 'exact' has no parameter to sweep; it is simulated in any case")
        return Curve(name, "", "", (0.0,), (protocol,))
    last = name.split("+")[-1].partition(":")[0].strip()
    rung = next((rung for rung in protocol.rungs if rung.name == last), protocol.rungs[-1])
    key, values = rung.axis, rung.sweep
    if sweep is not None:
        key, _, text = sweep.partition("=")
        named, dot, parameter = key.rpartition(".")
        if dot:
            found = [candidate for candidate in protocol.rungs if candidate.name == named]
            if not found:
                raise InputError(f"protocol {name!r} has no {named!r} to sweep")
            rung, key = found[0], parameter
        try:
            values = tuple(float(value) for value in text.split(","))
        except ValueError:
            raise InputError(f"--sweep expects key=a,b,c with numbers, got {sweep!r}") from None
    given = {item.name: getattr(rung, item.name) for item in fields(rung)}
    others = [other for other in protocol.rungs if other is not rung]
    swept = [Protocol.of([*others, type(rung).of(given | {key: value})]) for value in values]
    unit = {item.name: item.metadata["unit"] for item in fields(rung)}[key]
    return Curve(name, f"{rung.name}.{key}", unit, values, tuple(swept))


def validate(
    networks: Sequence[str | Path],
    dataset: str,
    out: str | Path,
    *,
    protocols: Sequence[str] = (),
    sweep: str | None = None,
    split: str = "test",
    n_samples: int | None = None,
    data_folder: Path | None = None,
    resolution: float = 0.1,
    n_workers: int = 2,
    seed: int = 0,
    beside: Mapping[str, Path] | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate networks along curves of protocols and measure what changes.

    Parameters
    ----------
    networks : sequence of path or ``pretrained:NAME``
        Of one architecture; several (seeds) give means and spreads.
    dataset, split : str
    out : path
        Folder of ``results.json``, ``report.html``, ``figures/`` and one file per point.
    protocols, sweep
        See :func:`curves`.
    n_samples : int, optional
        Only the first so many.
    seed : int
        Of all that protocols draw; network k takes `seed` + k.
    beside : mapping of str to Path, optional
        Folders of finished validations of other networks, by the names that they bear in the report.
    resume : bool
        Go on with an interrupted validation: points that are done are read.

    Returns
    -------
    dict
        What was written to ``results.json``: ``exact`` and ``curves``, each number with its mean, its SD over networks
        and its values.

    Raises
    ------
    InputError, FileError
        In one sentence, before any simulation.
    """
    planned = curves(protocols, sweep)
    if not networks:
        raise InputError("name at least one network to validate")
    descriptions = [load_network(network) for network in networks]
    sizes = [[population.size for population in description.populations] for description in descriptions]
    for network, found in zip(networks, sizes, strict=True):
        if found != sizes[0]:
            raise InputError(
                f"networks to be averaged must have the same layers; {network} has {found}, not {sizes[0]}"
            )
    samples = [load_stimuli(description, dataset, split, n_samples, data_folder) for description in descriptions]
    for description in descriptions:
        for curve in planned:
            for protocol in curve.protocols:
                protocol.plan(description, resolution)  # refuses what cannot be run
    others = {name: read_json(Path(other) / "results.json") for name, other in (beside or {}).items()}
    for name, found in others.items():
        if "curves" not in found:
            raise InputError(f"{(beside or {})[name]} holds no validation to be drawn beside this one")
        found.pop("beside", None)
    folder = RunFolder(out, resume=resume)
    settings = {
        "networks": [str(network) for network in networks],
        "dataset": dataset,
        "split": split,
        "n_samples": len(samples[0]),
        "resolution_ms": resolution,
        "seed": seed,
    }
    _keep_settings(folder, settings)
    points: dict[str, list[dict[str, Any]]] = {}
    wanted = list(dict.fromkeys(["exact", *(str(protocol) for curve in planned for protocol in curve.protocols)]))
    n_done, n_all = 0, len(wanted) * len(networks)
    for number, (description, split_samples) in enumerate(zip(descriptions, samples, strict=True)):
        own = folder.root / "points" / f"network-{number}"
        own.mkdir(parents=True, exist_ok=True)
        simulator = _Simulator(description, split_samples, own, resolution, n_workers, seed + number)
        progress("validate", n_done, n_all)
        for protocol_text, measures in zip(wanted, simulator.points(wanted), strict=True):
            points.setdefault(protocol_text, []).append(measures)
            n_done += 1
            progress("validate", n_done, n_all, protocol_text)
    results = {
        **settings,
        "exact": _over_networks(points["exact"]),
        "curves": [
            {
                "protocol": curve.name,
                "axis": curve.axis,
                "unit": curve.unit,
                "points": [
                    {"value": value, "protocol": str(protocol), **_over_networks(points[str(protocol)])}
                    for value, protocol in zip(curve.values, curve.protocols, strict=True)
                ],
            }
            for curve in planned
        ],
    }
    results["beside"] = others
    write_json(folder.results, results)
    validation_report(folder, results)
    return results


def _keep_settings(folder: RunFolder, settings: Mapping[str, Any]) -> None:
    path = folder.root / "settings.json"
    if path.exists():
        for key, value in read_json(path).items():
            if settings.get(key) != value:
                raise InputError(
                    f"{folder.root} holds a validation with {key} = {value!r}, not {settings.get(key)!r}; "
                    f"choose another --out"
                )
    write_json(path, dict(settings))


class _Simulator:
    """Points of one network; each is a file once it is done."""

    def __init__(
        self, description: NetworkDescription, samples: Any, folder: Path, resolution: float, n_workers: int, seed: int
    ) -> None:
        self._description, self._samples, self._folder = description, samples, folder
        self._resolution, self._n_workers, self._seed = resolution, n_workers, seed
        self._times = encoder_from(description.encoding)(samples.features)
        self._exact: SpikeTable | None = None

    def points(self, protocols: Sequence[str]) -> Iterator[dict[str, Any]]:
        """What each protocol comes to, in their order; while one is measured, the next is simulated."""
        with ThreadPoolExecutor(1) as measuring:
            waiting: deque[Callable[[], dict[str, Any]]] = deque()
            for protocol in protocols:
                path = self._folder / f"{protocol.replace(':', ' ').replace('/', '_')}.json"
                if path.exists():
                    waiting.append(partial(read_json, path))
                else:
                    waiting.append(measuring.submit(self._measure, self._recording(protocol), path).result)
                while len(waiting) > 1:
                    yield waiting.popleft()()
            for measures in waiting:
                yield measures()

    def _recording(self, protocol: str) -> SpikeTable:
        if self._exact is None:
            self._exact = self._simulate("exact")
        return self._exact if protocol == "exact" else self._simulate(protocol)

    def _simulate(self, protocol: str) -> SpikeTable:
        work_folder = self._folder / "simulation"
        recording = bridge.simulate(
            self._description,
            self._times,
            protocol,
            resolution=self._resolution,
            classes=self._samples.labels,
            n_workers=self._n_workers,
            # What an interruption left of another point is of no use.
            work_folder=work_folder if _is_of(work_folder, protocol) else _emptied(work_folder),
            seed=self._seed,
        )
        shutil.rmtree(work_folder, ignore_errors=True)
        return recording

    def _measure(self, recording: SpikeTable, path: Path) -> dict[str, Any]:
        """What a point comes to; kept in its file."""
        from ..analysis.analyze import analyze

        assert self._exact is not None
        analysis = analyze(
            recording, windows=("all", "decision"), n_permutations=N_PERMUTATIONS, n_sample_trials=0, seed=self._seed
        )
        times = [time for time in recording.trials["decision_time"].tolist() if isfinite(time)]
        measures = {
            "accuracy": accuracy(recording),
            "decided": len(times) / recording.n_trials,
            "decision_time_ms": statistics.fmean(times) if times else None,
            "layers": list(self._layers(recording, analysis)),
        }
        write_json(path, measures)
        return measures

    def _layers(self, recording: SpikeTable, analysis: Analysis) -> Iterator[dict[str, Any]]:
        assert self._exact is not None
        measured = analysis.layers
        if "decision" in set(measured["window"]):
            measured = measured[measured["window"] == "decision"]
        for deviation in bridge.deviations(self._exact, recording, self._description, until_decision=True):
            row = measured[measured["layer"] == deviation.layer]
            columns = {
                name: float(row[name].iloc[0]) if len(row) and name in row else float("nan") for name in LAYER_COLUMNS
            }
            yield {key: _plain(value) for key, value in (asdict(deviation) | columns).items()}


def _is_of(work_folder: Path, protocol: str) -> bool:
    settings = work_folder / "job.json"
    return settings.exists() and read_json(settings).get("protocol") == protocol


def _emptied(work_folder: Path) -> Path:
    shutil.rmtree(work_folder, ignore_errors=True)
    return work_folder


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value


def _over_networks(measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Mean, SD and values of every number; layers in their order."""
    result: dict[str, Any] = {
        key: _summary([one[key] for one in measured]) for key in ("accuracy", "decided", "decision_time_ms")
    }
    result["layers"] = [
        {
            key: value if key in ("layer", "name") else _summary([one["layers"][row][key] for one in measured])
            for key, value in layer.items()
        }
        for row, layer in enumerate(measured[0]["layers"])
    ]
    return result


def _summary(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {
        "mean": statistics.fmean(known) if known else None,
        "sd": statistics.stdev(known) if len(known) > 1 else None,
        "values": list(values),
    }
