"""A network as a PyNEST script that can be read and run without semsync: numpy and NEST are all it needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import __version__
from ..errors import FileError, InputError
from ..network_description import LIFNeuron, NetworkDescription, Population
from .kernel_nodes import potential_scale
from .protocols import Protocol
from .schedule import MIN_DELAY, Schedule

FORMAT_VERSION = 1
_TEMPLATE = Path(__file__).parent / "templates" / "pynest_network.py.txt"
_MAX_RUNS = 4  # of cell types that a comment can list


def write_pynest(
    description: NetworkDescription,
    path: str | Path,
    *,
    resolution: float = 0.1,
    first_spikes: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    overwrite: bool = False,
) -> tuple[Path, ...]:
    """Write a network as a PyNEST script beside its weights.

    The script runs the network as ``simulate(description, input_times, "exact")`` does and gives the same spike times,
    to the last bit where NEST and the machine are the same.

    Parameters
    ----------
    description : NetworkDescription
    path : path
        Of the script, ``NAME.py``, or a folder for ``network.py``. Weights go to ``NAME_weights.npz`` beside it and
        stimuli to ``NAME_stimuli.npz``.
    resolution : float
        Step h of the simulation [ms].
    first_spikes : array, shape [n_trials, n_inputs] or [n_trials, n_units], optional
        Spike times of some trials [ms from the onset], inf where silent. The script shows them to the network when it
        is given no others; times of all units, inputs first, are compared with what it finds.
    labels : int array, shape [n_trials], optional
        Class of each of these trials.
    overwrite : bool
        Replace files that are there.

    Returns
    -------
    tuple of Path
        Script, weights and, if there are any, stimuli.

    Raises
    ------
    InputError
        When the exact protocol cannot run this network, or an array has a wrong shape.
    FileError
        When a file exists or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> from semsync import LIFNeuron, NetworkDescription
    >>> from semsync.bridge import write_pynest
    >>> neuron = LIFNeuron(tau_m=10.0, tau_syn=10.0)
    >>> network = NetworkDescription.from_weights([[[3.0, 0.1]], [[3.0], [0.0]]], neuron, trial_duration=50.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [file.name for file in write_pynest(network, folder, first_spikes=[[1.0]])]
    ['network.py', 'network_weights.npz', 'network_stimuli.npz']
    """
    schedule = Protocol().plan(description, resolution).schedule
    for population in description.neurons:
        assert population.neuron is not None
        if population.I_e.any() or population.neuron.tau_syn == 0:
            raise InputError(
                f"the PyNEST script has exponential synapses and no constant currents; population {population.name!r} "
                f"has {'a current I_e' if population.I_e.any() else 'instantaneous synapses'}"
            )
    path = Path(path)
    script = path if path.suffix == ".py" else path / "network.py"
    weights = script.with_name(f"{script.stem}_weights.npz")
    stimuli = script.with_name(f"{script.stem}_stimuli.npz")
    arrays = _weight_arrays(description)
    identity = _identity(arrays)
    arrays |= {"format_version": np.array(FORMAT_VERSION), "network": np.array(identity)}
    files: dict[Path, Mapping[str, NDArray[Any]] | str] = {
        script: _render(description, schedule, script.name, weights.name, stimuli.name, identity),
        weights: arrays,
    }
    if first_spikes is not None:
        files[stimuli] = _stimulus_arrays(description, first_spikes, labels)
    for file in files:
        if file.exists() and not overwrite:
            raise FileError(f"{file} exists; remove it or choose another place")
    for file, content in files.items():
        _write(file, content)
    return tuple(files)


def _weight_arrays(description: NetworkDescription) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for k, projection in enumerate(_connected(description), start=1):
        arrays[f"weights_{k}"] = projection.weights
        arrays[f"delays_{k}"] = projection.delay
    return arrays


def _connected(description: NetworkDescription) -> list[Any]:
    """Projections with at least one synapse: NEST refuses to connect nothing."""
    return [projection for projection in description.projections if projection.weights.any()]


def _identity(arrays: Mapping[str, NDArray[Any]]) -> str:
    """A few letters that tell networks apart, so that a script is never run on weights of another."""
    digest = hashlib.sha256()
    for name, values in arrays.items():
        digest.update(repr((name, values.shape)).encode())
        digest.update(np.ascontiguousarray(values))
    return digest.hexdigest()[:12]


def _stimulus_arrays(
    description: NetworkDescription, first_spikes: ArrayLike, labels: ArrayLike | None
) -> dict[str, NDArray[Any]]:
    times = np.asarray(first_spikes, dtype=np.float64)
    sizes = [population.size for population in description.populations]
    if times.ndim != 2 or times.shape[1] not in (sizes[0], sum(sizes)):
        raise InputError(
            f"first_spikes must have shape [n_trials, {sizes[0]}] (inputs) or [n_trials, {sum(sizes)}] (all units), "
            f"got {times.shape}"
        )
    names = [population.name for population in description.populations]
    parts = np.split(times, np.cumsum(sizes)[:-1], axis=1) if times.shape[1] == sum(sizes) else [times]
    arrays: dict[str, NDArray[Any]] = {f"{name}_times": part for name, part in zip(names, parts, strict=False)}
    if labels is not None:
        arrays["labels"] = np.asarray(labels)
        if arrays["labels"].shape != (len(times),):
            raise InputError(f"labels must be one for each of the {len(times)} trials, got {arrays['labels'].shape}")
    return arrays


def _render(
    description: NetworkDescription, schedule: Schedule, script: str, weights: str, stimuli: str, identity: str
) -> str:
    neurons: dict[LIFNeuron | None, str] = {None: "None"}
    for population in description.neurons:
        if population.neuron not in neurons:
            neurons[population.neuron] = "NEURON" if len(neurons) == 1 else f"NEURON_{len(neurons)}"
    populations = []
    for p in description.populations:
        line = f"    ({_literal(p.name)}, {p.size}, {neurons[p.neuron]}, {schedule.shift[p.name]!r}),"
        populations.append(f"{line}{_cell_types(p)}")
    projections = [f"    ({_literal(p.source)}, {_literal(p.target)})," for p in _connected(description)]
    return Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
        title=_title(description),
        about=_about(description),
        script=_plain(script),
        with_example=f"the stimuli in {_plain(stimuli)}",
        weights=_literal(weights),
        example=_literal(stimuli),
        input_key=f"{_plain(description.input.name)}_times [n_trials, {description.input.size}]",
        output_key=f"{_plain(description.neurons[0].name)}_times",
        format_version=FORMAT_VERSION,
        network_id=identity,
        resolution=repr(schedule.resolution),
        trial_duration=repr(float(description.trial_duration)),
        simulated=repr(schedule.recording_duration),
        pause=repr(schedule.wait),
        min_delay=repr(MIN_DELAY),
        max_delay=repr(schedule.max_delay),
        neurons="\n".join(_parameters(name, neuron, schedule) for neuron, name in neurons.items() if neuron),
        populations="\n".join(populations),
        projections="\n".join(projections),
    )


def _title(description: NetworkDescription) -> str:
    sizes = " - ".join(str(population.size) for population in description.populations)
    return f"A spiking network, {sizes}, in NEST."


def _about(description: NetworkDescription) -> str:
    lines = [
        "Leaky integrate-and-fire neurons with exponential current synapses. Each fires at most once a",
        "trial, at its exact time; the output neuron that fires first is the decision.",
        f"{description.n_synapses:,} synapses. Written by semsync {__version__}. Needs NEST 3.9 or newer, and numpy.",
        "",
    ]
    metadata = {key: value for key, value in description.metadata.items() if not isinstance(value, dict | list)}
    if description.encoding:
        metadata["encoding"] = ", ".join(f"{key} {value}" for key, value in sorted(description.encoding.items()))
    lines += [f"    {_plain(key) + ':':15} {_plain(value)}" for key, value in sorted(metadata.items())]
    return "\n".join(lines).rstrip()


def _parameters(name: str, neuron: LIFNeuron, schedule: Schedule) -> str:
    scale = potential_scale(neuron.V_th - neuron.E_L)
    down, up = (f" * {scale!r}", f" / {scale!r}") if scale > 1 else (f" / {1 / scale:.0f}", f" * {1 / scale:.0f}")
    scaled = {"C_m": up, "E_L": down, "V_m": down, "V_th": down, "V_reset": down} if scale != 1 else {}
    values = {
        "tau_m": (neuron.tau_m, "ms"),
        "tau_syn_ex": (neuron.tau_syn, "ms"),
        "tau_syn_in": (neuron.tau_syn, "ms"),
        "C_m": (neuron.C_m, "pF"),
        "E_L": (neuron.E_L, "mV"),
        "V_m": (neuron.E_L, "mV"),
        "V_th": (neuron.V_th, "mV"),
        "V_reset": (neuron.V_reset, "mV"),
        "t_ref": (schedule.t_ref, "ms"),
    }
    lines = [
        f'    "{key}": {float(value)!r}{scaled.get(key, "") if value else ""},  # {unit}'
        for key, (value, unit) in values.items()
    ]
    return "\n".join([f"{name} = {{", *lines, "}"])


def _cell_types(population: Population) -> str:
    """Which rows are excitatory and which inhibitory, as a comment; nothing for units of no type."""
    rows: list[str] = []
    start = 0
    for cell_type, members in groupby(population.cell_type.tolist()):
        stop = start + len(list(members))
        if cell_type != "-":
            rows.append(f"{start}..{stop - 1} {cell_type}")
        start = stop
    if not rows:
        return ""
    if len(rows) > _MAX_RUNS:
        rows = [f"{np.sum(population.cell_type == kind)} {kind}" for kind in ("E", "I")]
    return f"  # {', '.join(rows)}"


def _literal(text: str) -> str:
    """A Python string in double quotes where that is simple."""
    return f'"{text}"' if re.fullmatch(r"[\w .+-]*", text) else repr(text)


def _plain(value: Any) -> str:
    """A value of the user's as it may stand in a docstring: on one line, without quotes or backslashes."""
    text = re.sub(r"\s+", " ", str(value)).replace("\\", "/").replace('"', "'")
    return "".join(letter for letter in text if letter.isprintable())


def _write(path: Path, content: Mapping[str, NDArray[Any]] | str) -> None:
    """Beside the old file, then in its place."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            partial.write_text(content, encoding="utf-8")
        else:
            with open(partial, "wb") as file:
                np.savez_compressed(file, **content)  # type: ignore[arg-type]
        partial.replace(path)
    except OSError as error:
        raise FileError(f"cannot write {path}: {error}") from error
