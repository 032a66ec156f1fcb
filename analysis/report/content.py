"""What the reports are about: plain data, gathered by whoever ran or read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from ...network_description import NetworkDescription
from ...spike_table import SpikeTable
from ..analyze import Analysis
from ..comparison import Comparison


@dataclass(frozen=True)
class RunReport:
    """A network that was trained, simulated and analysed. What is left out has no section.

    Attributes
    ----------
    title : str
    results : mapping
        As in ``results.json``: `dataset`, `n_test`, `torch`, `nest` (accuracies, and the comparison of the two).
    config : mapping
        The resolved configuration.
    environment : mapping
        `versions` (name to version), `python`, `platform`, `git_revision`.
    history : sequence of mapping
        One per epoch of training; see :func:`~semsync.analysis.figures.learning_curve`.
    best_epoch : int, optional
        Epoch whose network was kept.
    trained, untrained : Analysis, optional
        Of the recordings of the trained network and of its control.
    recording, control_recording : SpikeTable, optional
    network, control_network : NetworkDescription, optional
    reference_times, simulated_times : float array, shape [n_spikes], optional
        Times of the same spikes in the training engine and in NEST [ms].
    comparison : mapping, optional
        Of the two simulations, as ``Comparison.to_dict()`` gives it; ``results["nest"]`` without it.
    seeds : mapping of int to mapping
        Results of every seed, when the run was repeated.
    trial : int
        Row of the trial that the raster shows.
    """

    title: str
    results: Mapping[str, Any]
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    history: Sequence[Mapping[str, Any]] = ()
    best_epoch: int | None = None
    trained: Analysis | None = None
    untrained: Analysis | None = None
    recording: SpikeTable | None = None
    control_recording: SpikeTable | None = None
    network: NetworkDescription | None = None
    control_network: NetworkDescription | None = None
    reference_times: ArrayLike | None = None
    simulated_times: ArrayLike | None = None
    comparison: Mapping[str, Any] | None = None
    seeds: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    trial: int = 0


@dataclass(frozen=True)
class RecordingReport:
    """Any recording that was analysed, simulated or real.

    Attributes
    ----------
    title : str
    analysis : Analysis
    recording : SpikeTable, optional
    network : NetworkDescription, optional
        The network that was recorded, where it is known.
    source : str
        File that the recording was read from.
    notes : sequence of str
        What was assumed when it was read.
    environment : mapping
        As in :class:`RunReport`.
    trial : int
        Row of the trial that the raster shows.
    """

    title: str
    analysis: Analysis
    recording: SpikeTable | None = None
    network: NetworkDescription | None = None
    source: str = ""
    notes: Sequence[str] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)
    trial: int = 0


@dataclass(frozen=True)
class ReproductionReport:
    """The claims of a paper, in trained networks and in their controls.

    Attributes
    ----------
    title, subtitle : str
    conditions : mapping of str to sequence of Analysis
        The trained networks first, one analysis a seed; then everything they are shown beside.
    controls : sequence of str
        The conditions that a claim must not hold in.
    networks : sequence of sequence of str
        Rows of a table: name, seeds, accuracy in torch and in NEST, unexplained differences between the two.
    key_numbers : sequence of (str, str)
        Values and what they are.
    environment : mapping
        As in :class:`RunReport`.
    """

    title: str
    subtitle: str
    conditions: Mapping[str, Sequence[Analysis]]
    controls: Sequence[str]
    networks: Sequence[Sequence[str]]
    key_numbers: Sequence[tuple[str, str]] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ValidationReport:
    """A network under protocols of rising realism.

    Attributes
    ----------
    title : str
    results : mapping
        As in ``results.json`` of a validation.
    others : mapping of str to mapping
        Results of other networks under the same protocols, to be drawn beside.
    environment : mapping
        As in :class:`RunReport`.
    """

    title: str
    results: Mapping[str, Any]
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ComparisonReport:
    """Analyses held against each other.

    Attributes
    ----------
    title : str
    comparison : Comparison
    environment : mapping
        As in :class:`RunReport`.
    """

    title: str
    comparison: Comparison
    environment: Mapping[str, Any] = field(default_factory=dict)
