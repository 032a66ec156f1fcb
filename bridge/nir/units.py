"""Between the units of NIR and ours: a neuron node is a :class:`LIFNeuron` and three factors.

NIR's equations, with times in seconds and all else without a unit:

    tau_syn dI/dt = -I + w_in S,    tau_mem dv/dt = v_leak - v + r I          (CubaLIF)
    tau dv/dt = v_leak - v + r S                                              (LIF)

where S is the weighted sum of spikes and biases. NIR leaves open how much of S one spike is. Frameworks with a time
step dt hold it at 1 for one step: a pulse of area dt. So a spike adds ``w_in w dt / tau_syn`` to I, or, when synapses
are instantaneous, ``r w dt / tau`` to v. (Norse's LIFCell adds ``w_in w`` to I whatever its step: a *jump*.)

Only the ratio to the distance between rest and threshold matters for spikes: u = (v - v_leak) / (v_threshold - v_leak).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...network_description import LIFNeuron

MS_PER_S = 1000.0
EPSILON = 1e-14  # relative; a factor this close to 1 is 1, and values this close are the same
SPIKES = ("pulse", "jump")


@dataclass(frozen=True)
class NeuronUnits:
    """What a neuron node means in our units.

    Attributes
    ----------
    neuron : LIFNeuron
    weight : array, shape [size]
        Our weight [pA, or mV for instantaneous synapses] of the NIR weight 1 onto each unit.
    current : array, shape [size]
        Our constant current [pA] of the NIR bias 1 into each unit.
    """

    neuron: LIFNeuron
    weight: NDArray[np.float64]
    current: NDArray[np.float64]


def to_ours(
    where: str,
    node: Any,
    size: int,
    *,
    dt: float | None,
    spikes: str,
    scale: LIFNeuron,
) -> NeuronUnits:
    """Read a CubaLIF or LIF node.

    Parameters
    ----------
    where : str
        What to call the node in a sentence.
    node : nir.CubaLIF or nir.LIF
    size : int
    dt : float or None
        How long a spike lasts [ms].
    spikes : str
        "pulse" or "jump".
    scale : LIFNeuron
        Whose capacitance, rest, threshold and refractory period, which NIR has not, the neuron gets; and all else, if
        it is written as this very node.

    Raises
    ------
    InputError
        When the node does not map; the sentence names it and its parameter.
    """
    is_cuba = hasattr(node, "tau_syn")
    taus = {"tau_mem": node.tau_mem, "tau_syn": node.tau_syn} if is_cuba else {"tau": node.tau}
    levels = {name: getattr(node, name) for name in ("r", "v_leak", "v_reset", "v_threshold")}
    gains = {"w_in": node.w_in} if is_cuba else {}
    values = {name: _per_unit(where, name, value, size) for name, value in {**taus, **levels, **gains}.items()}
    for name in taus:
        if not np.all(values[name] > 0):
            raise InputError(f"{where} does not map: {name} must be positive, got {values[name].min():g} s")
        _refuse_different(where, name, values[name])
    span = values["v_threshold"] - values["v_leak"]
    if not np.all((span > 0) & (values["v_threshold"] > values["v_reset"])):
        unit = int(np.argmin(np.minimum(span, values["v_threshold"] - values["v_reset"])))
        raise InputError(
            f"{where} does not map: v_threshold must lie above v_leak and v_reset, unit {unit} has v_threshold = "
            f"{values['v_threshold'][unit]:g}, v_leak = {values['v_leak'][unit]:g}, "
            f"v_reset = {values['v_reset'][unit]:g}"
        )
    reset = (values["v_reset"] - values["v_leak"]) / span
    _refuse_different(where, "(v_reset - v_leak) / (v_threshold - v_leak)", reset)

    if is_cuba and spikes == "jump":
        area = values["tau_syn"]
    elif dt is None:
        raise InputError(
            f"{where}: NIR does not say how long a spike lasts; give dt, the time step [ms] of the framework that "
            f"wrote the file"
        )
    else:
        area = np.full(size, dt / MS_PER_S)
    tau_m = values["tau_mem" if is_cuba else "tau"]
    drive = values["r"] * (values["w_in"] if is_cuba else 1.0) / span
    neuron = LIFNeuron(
        tau_m=float(tau_m[0]) * MS_PER_S,
        tau_syn=float(values["tau_syn"][0]) * MS_PER_S if is_cuba else 0.0,
        C_m=scale.C_m,
        E_L=scale.E_L,
        V_th=scale.V_th,
        V_reset=scale.E_L + float(reset[0]) * (scale.V_th - scale.E_L),
        t_ref=scale.t_ref,
    )
    if _is_written_as(scale, values, dt):
        neuron = scale
    per_spike = drive * area / tau_m
    per_spike = np.where(np.abs(per_spike - 1) <= EPSILON, 1.0, per_spike)
    rheobase = neuron.C_m * (neuron.V_th - neuron.E_L) / neuron.tau_m  # pA; holds the potential at threshold
    return NeuronUnits(neuron, per_spike * neuron.unit_weight, drive * rheobase)


def to_nir(neuron: LIFNeuron, size: int, dt: float) -> dict[str, NDArray[np.float64]]:
    """Parameters of the node of a neuron, by their names in NIR; those of a LIF where synapses are instantaneous.

    A pulse of `dt` [ms] and NIR weight w moves the potential as our dimensionless weight w does. Frameworks read only
    some of NIR's scales: snnTorch wants r = tau_mem / dt of a CubaLIF, Norse r = 1 of a LIF, whose threshold then is
    dt / tau. Rest is 0, and the threshold of a CubaLIF 1.
    """
    reset = (neuron.V_reset - neuron.E_L) / (neuron.V_th - neuron.E_L)
    tau_m = neuron.tau_m / MS_PER_S
    if neuron.tau_syn == 0:
        threshold = dt / neuron.tau_m
        values = {"tau": tau_m, "r": 1.0, "v_leak": 0.0, "v_reset": reset * threshold, "v_threshold": threshold}
    else:
        values = {"tau_mem": tau_m, "tau_syn": neuron.tau_syn / MS_PER_S, "r": neuron.tau_m / dt, "w_in": 1.0}
        values |= {"v_leak": 0.0, "v_reset": reset, "v_threshold": 1.0}
    return {name: np.full(size, value) for name, value in values.items()}


def bias_of_current(neuron: LIFNeuron, current: NDArray[np.float64], dt: float) -> NDArray[np.float64]:
    """NIR's bias for a constant current [pA] into neurons that :func:`to_nir` wrote."""
    return current * (dt / (neuron.C_m * (neuron.V_th - neuron.E_L)))


def seconds(milliseconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return milliseconds / MS_PER_S


def _is_written_as(neuron: LIFNeuron, values: dict[str, NDArray[np.float64]], dt: float | None) -> bool:
    """Whether a node says of this neuron what we would say, to the last bit; of its scale any r and w_in will do."""
    if dt is None:
        return False
    written = to_nir(neuron, len(values["r"]), dt)
    compared = written.keys() - {"r", "w_in"}
    return written.keys() == values.keys() and all(np.array_equal(written[name], values[name]) for name in compared)


def _per_unit(where: str, name: str, value: Any, size: int) -> NDArray[np.float64]:
    array = np.asarray(value, dtype=np.float64).ravel()
    if array.size not in (1, size):
        raise InputError(f"{where} has {size} units, but {array.size} values of {name}")
    array = np.array(np.broadcast_to(array, (size,)))
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise InputError(f"{where} does not map: {name} must be finite, unit {bad[0]} has {array[bad[0]]}")
    return array


def _refuse_different(where: str, name: str, values: NDArray[np.float64]) -> None:
    """One population has one neuron model."""
    if np.ptp(values) > EPSILON * np.abs(values).max():
        raise InputError(
            f"{where} does not map: all its units must have the same {name}, "
            f"got values from {values.min():g} to {values.max():g}"
        )
