"""Noise within the network during training, for networks that are to work on imperfect neurons and synapses."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

Sd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DisturbanceConfig(BaseModel):
    """How much a network is disturbed in each batch; the network that is kept is the undisturbed one.

    Each disturbance has its like among the rungs of :mod:`semsync.bridge.protocols`: `threshold` stands for neurons
    that differ (heterogeneity), `weight` for synapses that fail or differ, `time` for jittered delays and for all that
    moves spikes, noise and time grids among them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: Annotated[Sd, Field(description="SD of every neuron's threshold in a batch, relative to it")] = 0.0
    weight: Annotated[Sd, Field(description="SD of every weight in a batch, relative to it")] = 0.0
    time: Annotated[Sd, Field(description="SD of the jitter on every hidden spike [ms]")] = 0.0


class Disturbances:
    """The disturbances of one batch.

    Parameters
    ----------
    config : DisturbanceConfig
    rng : numpy.random.Generator
        Drawn from as often for any share of the batch.
    n_samples : int
        Of the whole batch.
    share : slice
        Samples of the batch that this process sees.
    """

    def __init__(self, config: DisturbanceConfig, rng: np.random.Generator, n_samples: int, share: slice) -> None:
        self._config, self._rng, self._n_samples, self._share = config, rng, n_samples, share

    def weights(self, weights: Tensor) -> Tensor:
        """Weights of a layer, shape [n_in, n_out], as its disturbed synapses and thresholds make them.

        A threshold of 1 + e is a threshold of 1 for weights divided by 1 + e.
        """
        factor: Tensor | None = None
        if self._config.weight:
            factor = 1 + self._config.weight * self._normal(weights.shape, weights)
        if self._config.threshold:
            # Log-normal, so that no threshold comes near zero.
            scale = torch.exp(-self._config.threshold * self._normal(weights.shape[1:], weights))
            factor = scale if factor is None else factor * scale
        return weights if factor is None else weights * factor

    def times(self, times: Tensor) -> Tensor:
        """Spike times of a layer [ms], shape [batch, n], as the next layer sees them."""
        if not self._config.time:
            return times
        drawn = self._normal((self._n_samples, times.shape[1]), times)[self._share]
        # A time before the onset is reflected, as that of an input is.
        return (times + self._config.time * drawn).abs()

    def _normal(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        return torch.from_numpy(self._rng.standard_normal(tuple(shape), dtype=np.float32)).to(like.dtype)
