"""jaxsnn: its event-based layers, compiled, with EventProp; tau_m = 2 tau_syn, as its solver asks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxsnn.event.loss import first_spike, ttfs_loss
from jaxsnn.event.modules import LIF, LIFParameters, Linear, Source
from jaxsnn.event.topology import Topology
from jaxsnn.event.types import Spike
from timing import BATCH, N_ACTIVE, N_CLASSES, SIZES, input_times, report, weights

TAU_SYN, TAU_M = 10.0, 20.0  # [ms]

# A reset far below the threshold: one spike each, as in its own examples.
neuron = LIFParameters(v_reset=-1000.0, v_th=1.0, tau_syn=TAU_SYN, tau_mem=TAU_M)
rng = np.random.default_rng(0)
times = input_times(rng)
w1, w2 = (jnp.asarray(w) for w in weights(rng))
# Its other gradients, "analytical", keep every state of every step: 47 GB for this batch.
net = Topology(t_max=6.0 * TAU_SYN, backprop_method="eventprop")
net.add(
    {
        "input": Source(SIZES[0]),
        "hidden": LIF(SIZES[1], N_ACTIVE + SIZES[1], neuron),  # one step for each spike that comes or goes
        "output": LIF(SIZES[2], SIZES[1] + SIZES[2], neuron),
        "to_hidden": Linear(pre_weights=w1),
        "to_output": Linear(pre_weights=w2),
    }
)
net.connect([("input", "to_hidden"), ("to_hidden", "hidden"), ("hidden", "to_output"), ("to_output", "output")])
init, apply = net.done()
parameters = init(jax.random.PRNGKey(0))

order = np.argsort(times, axis=1)[:, :N_ACTIVE]
sorted_times = jnp.asarray(np.take_along_axis(times, order, axis=1))
spikes = Spike(
    time=sorted_times,
    idx=jnp.asarray(order),
    current=jnp.zeros_like(sorted_times),
    layer_idx=jnp.zeros_like(order),
    internal=jnp.ones_like(order, dtype=bool),
)
# Its loss knows the class by the earliest of the target times.
targets = 1.0 - jax.nn.one_hot(jnp.asarray(rng.integers(0, N_CLASSES, BATCH)), N_CLASSES)


def loss(of_net, of_batch, of_targets):
    events = apply({"input": of_batch}, of_net)
    first = jax.vmap(first_spike, in_axes=(0, None))(events["output"], N_CLASSES)
    return jnp.mean(jax.vmap(partial(ttfs_loss, tau_mem=TAU_M))(first, of_targets)), events


gradient = jax.jit(jax.grad(loss, has_aux=True))


def step() -> None:
    jax.block_until_ready(gradient(parameters, spikes, targets))


_, events = gradient(parameters, spikes, targets)
hidden = events["hidden"]
fired = float(jnp.mean(jnp.sum(hidden.internal & jnp.isfinite(hidden.time), axis=1))) / SIZES[1]
assert fired > 0.5, f"most neurons should fire, {fired:.2f} do"
report("jaxsnn", "EventProp, float32", step, n_runs=2)
