"""From features to input spikes: the stronger, the earlier."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import InputError


class LatencyEncoder(BaseModel):
    """One spike per feature, at ``t_early + (1 - x) (t_late - t_early)`` for a feature x in [0, 1].

    Attributes
    ----------
    t_early, t_late : float
        Spike time of x = 1 and of x = 0 [ms].
    background : {"late", "silent"}
        Whether features that are exactly 0 spike at `t_late` or not at all.
    bias_times : tuple of float
        Spike times of additional inputs that are the same for every stimulus [ms].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: Literal["latency"] = "latency"
    t_early: Annotated[float, Field(ge=0, description="spike time of a feature of 1 [ms]")] = 1.5
    t_late: Annotated[float, Field(gt=0, description="spike time of a feature of 0 [ms]")] = 20.0
    background: Annotated[Literal["late", "silent"], Field(description="whether features of 0 spike")] = "late"
    bias_times: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...], Field(description="spike times of constant inputs [ms]")
    ] = ()

    @model_validator(mode="after")
    def _ordered(self) -> LatencyEncoder:
        if self.t_late <= self.t_early:
            raise ValueError(f"t_late must be later than t_early, got {self.t_late} and {self.t_early} ms")
        return self

    def n_inputs(self, n_features: int) -> int:
        """Number of input neurons for a stimulus of `n_features`."""
        return n_features + len(self.bias_times)

    def __call__(self, features: ArrayLike) -> NDArray[np.float64]:
        """Spike times [ms].

        Parameters
        ----------
        features : array, shape [n_samples, n_features]
            In [0, 1].

        Returns
        -------
        array, shape [n_samples, n_features + n_bias]
            inf where silent.

        Raises
        ------
        InputError
            On features outside [0, 1] or NaN.

        Examples
        --------
        >>> from semsync.models.encoding import LatencyEncoder
        >>> LatencyEncoder(t_early=1.0, t_late=3.0, background="silent")([[1.0, 0.5, 0.0]])
        array([[ 1.,  2., inf]])
        """
        x = np.asarray(features, dtype=np.float64)
        if x.ndim != 2:
            raise InputError(f"features must have shape [n_samples, n_features], got {x.shape}")
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            raise InputError(f"features must lie in [0, 1], got {np.min(x)} to {np.max(x)}")
        times = self.t_early + (1 - x) * (self.t_late - self.t_early)
        if self.background == "silent":
            times[x == 0] = np.inf
        bias = np.broadcast_to(np.asarray(self.bias_times, dtype=np.float64), (len(x), len(self.bias_times)))
        return np.concatenate([times, bias], axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as a `NetworkDescription` carries them."""
        return self.model_dump(mode="json")


def encoder_from(encoding: Any) -> LatencyEncoder:
    """The encoder that a network was trained with, from ``NetworkDescription.encoding``."""
    if not encoding:
        raise InputError("the network does not say how stimuli become spikes (its encoding is empty)")
    try:
        return LatencyEncoder.model_validate(dict(encoding))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"the encoding of the network cannot be used: {where}: {first['msg']}") from error


def jitter(times: NDArray[np.float64], sd: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Gaussian noise of standard deviation `sd` [ms] on each spike time; negative times are reflected at 0."""
    return np.abs(times + sd * rng.standard_normal(times.shape)) if sd > 0 else times
