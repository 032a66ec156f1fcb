"""How the numbers of a report are defined, with their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .words import N_STANDARD_ERRORS


class Definition(NamedTuple):
    """A term, what it means, and where that comes from."""

    term: str
    meaning: str
    sources: Sequence[tuple[str, str]] = ()  # text and DOI or arXiv address


DEFINITIONS = (
    Definition(
        "Window",
        "Every measure is computed for a named stretch of the trial: all spikes, or those up to and including the "
        "first output spike (the decision). Trials without a decision are left out of the latter, and counted.",
    ),
    Definition(
        "Pulse packet",
        "The spikes of one layer in one trial and window. Width: standard deviation of the spike times, and shortest "
        "half, the shortest interval that holds half of the spikes, which a few stray ones cannot widen. As small "
        "packets have a shorter half by chance, it is also given with all packets subsampled to one size, and with "
        "decision times shuffled over trials.",
        (
            ("Diesmann, Gewaltig, Aertsen 1999", "https://doi.org/10.1038/990101"),
            ("Rousseeuw, Leroy 1988", "https://doi.org/10.1111/j.1467-9574.1988.tb01224.x"),
        ),
    ),
    Definition(
        "Information gain",
        "1 - H(class | unit active) / H(class): 1 for a unit that is active for one class only, 0 for one that tells "
        "nothing. Beside it the mutual information of activity and class. Both corrected for the bias of few trials; "
        "p-values by permutation of the classes, q-values by Benjamini and Hochberg's method.",
        (
            ("Oberste-Frielinghaus et al. 2025", "https://arxiv.org/abs/2508.12975"),
            ("Panzeri, Treves 1996", "https://doi.org/10.1088/0954-898X/7/1/006"),
            ("Panzeri et al. 2007", "https://doi.org/10.1152/jn.00559.2007"),
        ),
    ),
    Definition(
        "Decoding accuracy",
        "Share of held-out trials whose class is the nearest class mean of which units are active, by stratified "
        "cross-validation.",
    ),
    Definition(
        "Jaccard distance",
        "Of two trials: 1 minus the number of units active in both over the number active in either.",
    ),
    Definition(
        "Pathway",
        "Strength of an excitatory unit towards each output: products of the excitatory-to-excitatory weights down to "
        "the output. Selectivity: 1 - H(class share) / log2(number of classes). The pathway of a class is the units "
        "that drive it most.",
        (("Oberste-Frielinghaus et al. 2025", "https://arxiv.org/abs/2508.12975"),),
    ),
    Definition(
        "Words",
        f"A text calls two values different when they are more than {N_STANDARD_ERRORS:g} standard errors of their "
        "difference apart, without a correction for the number of comparisons.",
    ),
)


def settings_rows(settings: Mapping[str, Any], environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Settings of the analysis, then versions, as names and values."""
    rows = [(f"analysis: {key}", _text(value)) for key, value in settings.items()]
    for key, value in environment.items():
        if isinstance(value, Mapping):
            rows += [(str(name), _text(version)) for name, version in value.items() if version is not None]
        elif value is not None:
            rows.append((key.replace("_", " "), _text(value)))
    return rows


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "–" if value is None else str(value)
