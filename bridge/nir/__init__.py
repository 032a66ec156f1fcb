"""Networks of other frameworks in, and ours out: the Neuromorphic Intermediate Representation (NIR).

    description = read_nir("their_network.nir", trial_duration=100.0, dt=1.0)
    write_nir(description, "our_network.nir")

NIR is described in Pedersen et al. 2024, Nature Communications 15, 8122, doi:10.1038/s41467-024-52259-9; what of it
maps, and in which units, in docs/nir.md. Importing this package loads neither ``nir`` nor ``h5py``.
"""

from __future__ import annotations

from .read import read_nir
from .write import write_nir

__all__ = ["read_nir", "write_nir"]
