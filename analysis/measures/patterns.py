"""Repeated spike patterns across units, mined and tested by SPADE as Elephant has it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...spike_table import SpikeTable
from .elephant_measures import _without_remarks
from .enough_surrogates import require_surrogates
from .permutation import q_values
from .surrogates import Surrogates

if TYPE_CHECKING:
    from elephant.conversion import BinnedSpikeTrain

_EDGE = 1e-6  # bins; a spike this close below the border of its bin is on it, by rounding
_MOST_REDUCED = 300  # patterns; the reduction compares all pairs of them


@dataclass(frozen=True)
class PatternSettings:
    """Arguments of :func:`spade_patterns`, in Elephant's words.

    Attributes
    ----------
    bin_size : float
        [ms]
    winlen : int
        Bins from the first spike of a pattern to the last, at most; 1 finds synchronous patterns only.
    min_spikes, min_occ : int
        Spikes and occurrences that a pattern has at least.
    min_neu : int
        Units that a pattern has at least; 0 stands for `min_spikes`. With fewer, the bursts of a single unit are
        patterns, and significant ones, as dithering destroys them.
    surrogate : str
        One of :data:`~semsync.analysis.measures.surrogates.SURROGATES`.
    dither : float
        [ms]
    n_surrogates : int
    alpha : float
        False discovery rate over signatures.
    """

    bin_size: float = 5.0
    winlen: int = 10
    min_spikes: int = 3
    min_occ: int = 5
    min_neu: int = 0
    surrogate: str = "dither_spikes"
    dither: float = 25.0
    n_surrogates: int = 500
    alpha: float = 0.05

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Pattern:
    """A pattern that is significant.

    Attributes
    ----------
    units : tuple of int
        Rows of its units, in the order of their spikes.
    lags : tuple of float
        Of each spike behind the first [ms].
    p_value, q_value : float
        Of its signature.
    trials : tuple of int
    times : tuple of float
        Of its occurrences: row of the trial, and start of the bin of the first spike [ms] from onset.
    """

    units: tuple[int, ...]
    lags: tuple[float, ...]
    p_value: float
    q_value: float
    trials: tuple[int, ...]
    times: tuple[float, ...]


@dataclass(frozen=True)
class Patterns:
    """What SPADE found.

    Attributes
    ----------
    patterns : tuple of Pattern
    signatures : mapping of str to list
        Columns `n_spikes`, `n_occurrences`, `n_patterns`, `p_value` and `q_value`: the pattern spectrum.
    remarks : tuple of str
        Sentences on what to mind.
    """

    patterns: tuple[Pattern, ...]
    signatures: Mapping[str, Sequence[float]]
    remarks: tuple[str, ...]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Patterns:
        """The reverse of :func:`dataclasses.asdict`, also after JSON."""
        patterns = []
        for one in values["patterns"]:
            fields: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in one.items()
            }
            patterns.append(Pattern(**fields))
        return cls(tuple(patterns), dict(values["signatures"]), tuple(values["remarks"]))


def spade_patterns(table: SpikeTable, settings: PatternSettings, seed: int | np.random.SeedSequence = 0) -> Patterns:
    """Spike patterns that recur more often than in surrogates.

    Mining and the reduction of the set are :func:`elephant.spade.concepts_mining` and
    :func:`elephant.spade.pattern_set_reduction` (Torre, Picado-Muiño, Denker, Borgelt, Grün 2013,
    doi:10.3389/fncom.2013.00132; Quaglio, Yegenoglu, Torre, Endres, Grün 2017, doi:10.3389/fncom.2017.00041; Stella,
    Quaglio, Torre, Grün 2019, doi:10.1016/j.biosystems.2019.104022). A signature is a number of spikes and a number of
    occurrences; its p-value is ``(1 + k) / (1 + n_surrogates)``, with the k surrogates that have a pattern of as many
    spikes or more that occurs as often or more. q by Benjamini and Hochberg over the signatures of the recording.

    Elephant's own test is not used: its p-values are 0 where no surrogate reached a signature, these signatures are
    left out of the correction, and it dithers across the borders of trials that are laid end to end.

    Parameters
    ----------
    table : SpikeTable
        Cut to a window.
    settings : PatternSettings
    seed : int or SeedSequence

    Raises
    ------
    InputError
        When there are too few surrogates for the signatures that were found, or Elephant lacks its compiled miner.
    """
    spectrum = pattern_spectrum(table, settings, seed)
    signatures, p_value = spectrum.signatures, spectrum.p_value
    columns: dict[str, Sequence[float]] = {
        "n_spikes": signatures[:, 0].tolist(),
        "n_occurrences": signatures[:, 1].tolist(),
        "n_patterns": signatures[:, 2].tolist(),
        "p_value": p_value.tolist(),
    }
    if not len(signatures):
        return Patterns((), columns | {"q_value": []}, ())
    remarks = list(spectrum.remarks)
    q_value = q_values(p_value)
    columns["q_value"] = q_value.tolist()
    found = q_value < settings.alpha
    if not found.any():
        return Patterns((), columns, tuple(remarks))
    of_signature = {
        (int(size), int(n)): (float(p), float(q))
        for (size, n), p, q in zip(signatures[found, :2], p_value[found], q_value[found], strict=True)
    }
    axis = _BinAxis(table, settings)
    concepts = _significant_concepts(axis.binned(table.times, table.trial), settings, of_signature)
    if len(concepts) > _MOST_REDUCED:
        remarks.append(
            f"{len(concepts)} patterns are significant, too many for the reduction of the set: parts of a pattern are "
            "listed beside it."
        )
    else:
        concepts = _reduce(concepts, settings, spectrum.most, float(p_value[found].max()))
    patterns = [
        axis.pattern(intent, extent, *of_signature[len(intent), len(extent)], settings) for intent, extent in concepts
    ]
    patterns.sort(key=lambda one: (one.p_value, -len(one.units), -len(one.times), one.units))
    return Patterns(tuple(patterns), columns, tuple(remarks))


@dataclass(frozen=True)
class PatternSpectrum:
    """How often patterns recur in a recording, and in its surrogates.

    Attributes
    ----------
    signatures : int array, shape [n_signatures, 3]
        Numbers of spikes, of occurrences, and of patterns in the recording with so many.
    most : int array, shape [n_surrogates, n_spikes + 1]
        Occurrences of the most frequent pattern of so many spikes or more, in each surrogate.
    remarks : tuple of str
        Sentences on what to mind.
    """

    signatures: NDArray[np.int64]
    most: NDArray[np.int64]
    remarks: tuple[str, ...]

    @property
    def p_value(self) -> NDArray[np.float64]:
        """Of each signature: its rank among the surrogates."""
        as_often = self.most[:, self.signatures[:, 0]] >= self.signatures[:, 1]
        p_value: NDArray[np.float64] = (1 + as_often.sum(axis=0)) / (1 + len(self.most))
        return p_value


def pattern_spectrum(
    table: SpikeTable, settings: PatternSettings, seed: int | np.random.SeedSequence = 0
) -> PatternSpectrum:
    """The spectrum that :func:`spade_patterns` tests; same arguments and errors.

    A recording without a pattern has no surrogates drawn: `most` is empty then.
    """
    _require_miner()
    axis = _BinAxis(table, settings)
    data = axis.binned(table.times, table.trial)
    signatures = _signatures(data, settings)
    n_sizes = int(signatures[:, 0].max(initial=0)) + 1
    if not len(signatures):
        return PatternSpectrum(signatures, np.zeros((0, n_sizes), dtype=np.int64), ())
    remarks = require_surrogates(
        settings.n_surrogates, settings.alpha, n_tests=len(signatures), what="signatures of patterns"
    )
    most = np.zeros((settings.n_surrogates, n_sizes), dtype=np.int64)
    drawn = Surrogates(table, settings.surrogate, dither=settings.dither)
    rng = np.random.default_rng(seed)
    n_filled = 0
    for of_surrogate in most:
        surrogate = axis.binned(*drawn.draw(rng))
        n_filled += _n_filled(surrogate)
        for size, occurrences, _ in _signatures(surrogate, settings):
            up_to = of_surrogate[: size + 1]
            np.maximum(up_to, occurrences, out=up_to)
    clipped = _clipping(_n_filled(data), n_filled / settings.n_surrogates, settings)
    return PatternSpectrum(signatures, most, (*remarks, *clipped))


class _BinAxis:
    """All trials in bins, end to end, with `winlen` empty bins between them: no pattern reaches into the next trial."""

    def __init__(self, table: SpikeTable, settings: PatternSettings) -> None:
        self.bin_size, self.winlen, self.unit, self.n_units = (
            settings.bin_size,
            settings.winlen,
            table.unit,
            table.n_units,
        )
        self.t_start = table.t_start
        n_bins = np.floor((table.t_stop - table.t_start) / settings.bin_size + _EDGE).astype(np.int64) + 1
        ends = np.cumsum(n_bins + settings.winlen)
        self.first_bin, self.n_bins = ends - n_bins - settings.winlen, int(ends[-1])

    def binned(self, times: NDArray[np.float64], trial: NDArray[np.int32]) -> BinnedSpikeTrain:
        """Spikes of a table or a surrogate, in the order of the table; a ms stands for a bin."""
        import quantities as pq
        from elephant.conversion import BinnedSpikeTrain

        within = np.floor((times - self.t_start[trial]) / self.bin_size + _EDGE).astype(np.int64)
        matrix = np.zeros((self.n_units, self.n_bins), dtype=np.int8)
        matrix[self.unit, self.first_bin[trial] + np.maximum(within, 0)] = 1
        with _without_remarks():
            return BinnedSpikeTrain(matrix, bin_size=1 * pq.ms, t_start=0 * pq.ms, t_stop=self.n_bins * pq.ms)

    def pattern(
        self, intent: Sequence[int], extent: Sequence[int], p_value: float, q_value: float, settings: PatternSettings
    ) -> Pattern:
        unit, lag = np.divmod(np.asarray(intent, dtype=np.int64), self.winlen)
        order = np.lexsort((unit, lag))
        place = np.sort(np.asarray(extent, dtype=np.int64))
        trial = np.searchsorted(self.first_bin, place, side="right") - 1
        times = self.t_start[trial] + (place - self.first_bin[trial]) * self.bin_size
        return Pattern(
            tuple(unit[order].tolist()),
            tuple(((lag - lag.min())[order] * settings.bin_size).tolist()),
            p_value,
            q_value,
            tuple(trial.tolist()),
            tuple(times.tolist()),
        )


def _mine(binned: BinnedSpikeTrain, settings: PatternSettings, report: str, **more: int) -> Any:
    """Patterns (`report` "a") or their spectrum ("#")."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from elephant.spade import concepts_mining

        # Without a bound, Elephant makes a matrix of (units x winlen) x windows for the spectrum, and runs out of
        # memory; no pattern has more spikes than the fullest window.
        fullest = _fullest_window(binned, settings.winlen)
        if fullest < settings.min_spikes:
            return []
        limits = {"min_spikes": settings.min_spikes, "min_occ": settings.min_occ} | more
        limits["min_neu"] = settings.min_neu or settings.min_spikes
        return concepts_mining(
            binned, binned.bin_size, settings.winlen, max_spikes=fullest, report=report, **limits
        )[0]  # fmt: skip


def _signatures(binned: BinnedSpikeTrain, settings: PatternSettings) -> NDArray[np.int64]:
    return np.asarray(_mine(binned, settings, "#"), dtype=np.int64).reshape(-1, 3)


def _require_miner() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from elephant.spade import HAVE_FIM

    # What Elephant falls back on took 90 times as long for 550 spikes, minutes for 2,000, and missed the pattern.
    if not HAVE_FIM:
        raise InputError(
            "patterns need the compiled miner of Elephant (elephant.spade_src.fim), which this installation lacks: "
            "install Elephant from its wheels for Linux or Windows"
        )


def _n_filled(binned: BinnedSpikeTrain) -> int:
    return int(binned.sparse_matrix.nnz)


def _fullest_window(binned: BinnedSpikeTrain, winlen: int) -> int:
    total = np.concatenate([[0], np.cumsum(np.asarray(binned.sparse_matrix.sum(axis=0)).ravel(), dtype=np.int64)])
    stop = np.minimum(np.arange(len(total) - 1) + winlen, len(total) - 1)
    return int((total[stop] - total[:-1]).max(initial=0))


def _significant_concepts(
    data: BinnedSpikeTrain, settings: PatternSettings, of_signature: Mapping[tuple[int, int], Any]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Patterns with the significant signatures; Elephant looks up the occurrences of each, so only these are mined."""
    min_spikes, min_occ = (min(signature[part] for signature in of_signature) for part in (0, 1))
    concepts = _mine(data, settings, "a", min_spikes=min_spikes, min_occ=min_occ)
    return [concept for concept in concepts if (len(concept[0]), len(concept[1])) in of_signature]


def _reduce(concepts: list[Any], settings: PatternSettings, most: NDArray[np.int64], p_critical: float) -> list[Any]:
    """Leave out patterns that others explain. A signature counts as significant there if its p-value does here."""
    from elephant.spade import pattern_set_reduction

    n_surrogates, n_sizes = most.shape
    occurrences = np.arange(1, max(int(most.max()), max(len(concept[1]) for concept in concepts)) + 1)
    not_significant = set()
    for size in range(1, n_sizes):
        p_value = (1 + (most[:, size, None] >= occurrences).sum(axis=0)) / (1 + n_surrogates)
        not_significant |= {(size, int(n)) for n in occurrences[p_value > p_critical]}
    reduced: list[Any] = pattern_set_reduction(
        concepts,
        not_significant,
        settings.winlen,
        "#",
        h_subset_filtering=0,
        k_superset_filtering=0,
        l_covered_spikes=settings.min_spikes,
        min_spikes=settings.min_spikes,
        min_occ=settings.min_occ,
    )
    return reduced


def _clipping(n_filled: int, of_surrogates: float, settings: PatternSettings) -> list[str]:
    """Surrogates with more spikes that share a bin have fewer patterns, which makes those of the data significant."""
    lost = 1 - of_surrogates / n_filled
    if lost < 0.01:
        return []
    return [
        f"Surrogates by {settings.surrogate} fill {100 * lost:.1f} % fewer bins than the recording, as more of their "
        "spikes share one: p-values of patterns are too small. dither_spikes_with_refractory_period and trial_shifting "
        "keep intervals."
    ]
