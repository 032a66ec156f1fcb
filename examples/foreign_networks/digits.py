"""Digits of 8 x 8 pixels as spikes on a grid of time steps, and files of recorded spikes. For the makers beside it."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

N_STEPS = 40  # of a stimulus
N_STIMULI = 40  # that are recorded
P_SPIKE = 0.3  # of a full pixel in each step


def load() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pixels in 0..1 and classes, to train and to test."""
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order] / 16, y[order]
    return x[:1500], y[:1500], x[1500:], y[1500:]


def spikes_of(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random spikes, shape [n_stimuli, N_STEPS, 64]."""
    return (rng.random((len(pixels), N_STEPS, 64)) < P_SPIKE * pixels[:, None, :]).astype(np.float64)


def save(path: Path, stimuli: np.ndarray, classes: np.ndarray, recorded: dict, framework: str) -> None:
    """Pack spikes into bits; recorded ones come as tensors of shape [n_steps, n_stimuli, n_units]."""
    arrays = {name: np.swapaxes(spikes.detach().numpy(), 0, 1) for name, spikes in recorded.items()}
    arrays["stimuli"] = stimuli
    packed = {name: np.packbits(values.astype(bool), axis=-1) for name, values in arrays.items()}
    sizes = {f"{name}_size": values.shape[-1] for name, values in arrays.items()}
    np.savez_compressed(path, classes=classes, framework=framework, **packed, **sizes)
