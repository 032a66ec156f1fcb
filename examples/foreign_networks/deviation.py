"""Two networks of other frameworks through NIR into NEST: how far NEST deviates, and from which causes.

    python examples/foreign_networks/deviation.py

Each framework's own update, written down here in numpy, gives the recorded spikes to the last one. Then its causes of
deviation are taken away, alone and together: the time grid by making the step finer, the reset by subtraction by
resetting to zero. What is left is what NEST should do.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import nir
import numpy as np

from semsync import NetworkDescription, SpikeTable
from semsync.bridge import simulate
from semsync.bridge.nir import read_nir

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "bridge" / "foreign"
FINER = 100  # steps in place of one


@dataclass(frozen=True)
class Foreign:
    """A network of another framework.

    Attributes
    ----------
    name : str
        Of the files.
    dt : float
        The framework's step in the file's time [ms].
    spikes : str
        See ``read_nir``.
    variant : str
        Ending of the names of the recorded spikes.
    reset : str
        "zero" or "subtract", as the framework does.
    """

    name: str
    dt: float
    spikes: str
    variant: str
    reset: str

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.nir"

    def read(self, path: Path | None = None) -> NetworkDescription:
        """The network of the file, or of one made from it."""
        n_steps = self.recorded("stimuli").shape[1]
        return read_nir(path or self.path, dt=self.dt, spikes=self.spikes, trial_duration=n_steps * self.dt)

    def recorded(self, name: str) -> np.ndarray:
        """Spikes on the grid, shape [n_trials, n_steps, n_units]: "stimuli", "hidden" or "output"."""
        key = name if name == "stimuli" else f"{name}{self.variant}"
        with np.load(self.path.with_suffix(".npz")) as file:
            size = int(file[f"{key}_size"])
            return np.unpackbits(file[key], axis=-1)[..., :size].astype(bool)


NETWORKS = {
    "snntorch": Foreign("snntorch", 0.1, "pulse", "_subtract", "subtract"),
    "snntorch, reset to zero": Foreign("snntorch", 0.1, "pulse", "_zero", "zero"),
    "norse": Foreign("norse", 1.0, "jump", "", "zero"),
}


def update(
    foreign: Foreign,
    *,
    finer: int = 1,
    reset: str | None = None,
    delays: tuple[np.ndarray, np.ndarray] | None = None,
) -> list[np.ndarray]:
    """The framework's update of the network, with a step divided by `finer`.

    Parameters
    ----------
    foreign : Foreign
    finer : int
    reset : str, optional
        Another than the framework's.
    delays : two int arrays, shapes [n_inputs], [n_hidden], optional
        Axonal delays in steps of the framework.

    Returns
    -------
    list of bool array, shapes [n_trials, n_steps * finer, n_hidden], [..., n_output]
        A spike in step n is one at time ``n * dt / finer``.
    """
    reset = reset or foreign.reset
    stimuli = foreign.recorded("stimuli")
    n_trials, n_steps, n_inputs = stimuli.shape
    spikes = np.zeros((n_trials, n_steps * finer, n_inputs))
    spikes[:, ::finer] = stimuli
    found = []
    description = foreign.read()
    for number, projection in enumerate(description.projections):
        if delays is not None:
            spikes = delayed(spikes, delays[number] * finer)
        neuron = description[projection.target].neuron
        spikes = layer(spikes, projection.weights, neuron, foreign.dt / finer, reset)
        found.append(spikes.astype(bool))
    return found


def layer(spikes: np.ndarray, weights: np.ndarray, neuron, h: float, reset: str) -> np.ndarray:
    """One layer of snnTorch's Leaky (instantaneous synapses) or Norse's LIFCell; potentials in units of threshold."""
    current = np.zeros((len(spikes), weights.shape[1]))
    v, fired = np.zeros_like(current), np.zeros_like(current)
    found = np.zeros((*spikes.shape[:2], weights.shape[1]))
    leak_m = h / neuron.tau_m
    for step in range(spikes.shape[1]):
        jump = spikes[:, step] @ (weights / neuron.unit_weight)
        if neuron.tau_syn == 0:
            # A reset by subtraction comes one step after the spike.
            v = v * (1 - leak_m) + jump - (fired if reset == "subtract" else 0.0)
        else:
            # Norse's current has the unit of its potential: the dimensionless weight 1 is tau_m / tau_syn of it.
            current = current + jump * (neuron.tau_m / neuron.tau_syn)
            v = v + leak_m * (current - v)
            current = current * (1 - h / neuron.tau_syn)
        fired = (v > 1).astype(float)
        if reset == "zero":
            v = v * (1 - fired)
        found[:, step] = fired
    return found


def delayed(spikes: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Each channel later by so many steps; what would come after the end is lost."""
    found = np.zeros_like(spikes)
    for channel, n in enumerate(steps):
        found[:, n:, channel] = spikes[:, : spikes.shape[1] - n, channel]
    return found


def with_delays(foreign: Foreign, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Add axonal delays to the file of a network, with the package nir alone, and write it anew.

    Returns
    -------
    two int arrays, shapes [n_inputs], [n_hidden]
        The delays in steps of the framework.
    """
    graph = nir.read(foreign.path, type_check=False)
    rng = np.random.default_rng(2)
    found = []
    for source, target in (("input", "0"), ("1", "2")):
        steps = rng.integers(0, 6, graph.nodes[target].weight.shape[1])
        graph.nodes[f"delay_{target}"] = nir.Delay(delay=steps * foreign.dt / 1000)
        graph.edges.remove((source, target))
        graph.edges += [(source, f"delay_{target}"), (f"delay_{target}", target)]
        found.append(steps)
    nir.write(path, graph)
    return found[0], found[1]


def in_nest(foreign: Foreign, description: NetworkDescription, resolution: float = 0.01) -> SpikeTable:
    """The recorded stimuli in NEST, with spikes in continuous time."""
    stimuli = foreign.recorded("stimuli")
    trial, step, unit = np.nonzero(stimuli)
    start = np.arange(len(stimuli)) * description.trial_duration
    table = SpikeTable(
        step * foreign.dt,
        unit,
        trial,
        {"unit_id": np.arange(stimuli.shape[2])},
        {"start": start, "stop": start + description.trial_duration},
    )
    return simulate(description, table, "refractory", resolution=resolution)


def measures(spikes: SpikeTable | np.ndarray, dt: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Number of spikes, and first spike in steps (inf: none), of every neuron in every trial."""
    if isinstance(spikes, SpikeTable):
        return spikes.counts(), spikes.first_spikes() / dt
    first = np.where(spikes.any(axis=1), spikes.argmax(axis=1) * dt, np.inf)
    return spikes.sum(axis=1), first


def deviation(found: tuple, framework: tuple) -> dict[str, float]:
    """Of spikes from the framework's, over neurons and trials.

    count, abs_count: mean change of the number of spikes, and mean size of that change. first_spike: mean shift of the
    first spike in steps, where both have one. moved: share of these that move by more than half a step.
    """
    (n_found, first_found), (n_framework, first_framework) = found, framework
    both = np.isfinite(first_found) & np.isfinite(first_framework)
    shift = first_found[both] - first_framework[both]
    change = n_found - n_framework
    return {
        "count": float(change.mean()),
        "abs_count": float(np.abs(change).mean()),
        "first_spike": float(shift.mean()),
        "moved": float((np.abs(shift) > 0.5).mean()),
    }


def deviations(
    foreign: Foreign,
    description: NetworkDescription | None = None,
    delays: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, list[dict[str, float]]]:
    """By cause, and measured in NEST; one entry for the hidden and one for the output layer.

    A network with delays, which the framework has not, is held against the framework's update with delayed spikes.
    """
    if delays is None:
        framework = [measures(foreign.recorded(name)) for name in ("hidden", "output")]
    else:
        framework = [measures(spikes) for spikes in update(foreign, delays=delays)]
    found = {
        "grid": (update(foreign, finer=FINER, delays=delays), FINER),
        "reset": (update(foreign, reset="zero", delays=delays), 1),
        "both": (update(foreign, finer=FINER, reset="zero", delays=delays), FINER),
    }
    table = {
        cause: [deviation(measures(spikes, 1 / finer), own) for spikes, own in zip(layers, framework, strict=True)]
        for cause, (layers, finer) in found.items()
    }
    description = description or foreign.read()
    counts, first = measures(in_nest(foreign, description), foreign.dt)
    borders = np.cumsum([population.size for population in description.populations])
    table["nest"] = [
        deviation((counts[:, start:stop], first[:, start:stop]), own)
        for start, stop, own in zip(borders[:-1], borders[1:], framework, strict=True)
    ]
    return table


def main() -> None:
    for name, foreign in NETWORKS.items():
        recorded = [foreign.recorded(layer) for layer in ("hidden", "output")]
        n_wrong = sum(int((a != b).sum()) for a, b in zip(update(foreign), recorded, strict=True))
        print(f"{name}: {sum(int(spikes.sum()) for spikes in recorded)} spikes, {n_wrong} not those of the update")
        _print(deviations(foreign))
    with tempfile.TemporaryDirectory() as folder:
        foreign = NETWORKS["norse"]
        path = Path(folder) / "delays.nir"
        delays = with_delays(foreign, path)
        print("norse, with NIR delays:")
        _print(deviations(foreign, foreign.read(path), delays))


def _print(table: dict[str, list[dict[str, float]]]) -> None:
    for cause, layers in table.items():
        print(f"  {cause:6}", *({key: round(value, 4) for key, value in layer.items()} for layer in layers))


if __name__ == "__main__":
    main()
