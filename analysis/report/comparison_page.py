"""The page of a comparison: one figure, one table, and what restricts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..comparison_measures import find_title
from ..figures.comparison import comparison
from ..figures.windows import window_title
from .content import ComparisonReport
from .methods import Definition, settings_rows
from .section import Drawing, KeyNumber, Page, Section, Table
from .words import Value, counted, number

if TYPE_CHECKING:
    import pandas as pd

    from ..comparison import Comparison

_ALPHA = 0.05
_DEFINITIONS = (
    Definition(
        "Distances",
        "Wasserstein: the area between two cumulative distributions over units or trials, in the unit of the measure. "
        "Kolmogorov-Smirnov (KS): their largest difference. Members of an ensemble have equal weight. What sampling "
        "adds to a distance is taken off, in squares, as estimated by the bootstrap.",
    ),
    Definition(
        "Intervals",
        "95 % by the bootstrap, over members and over the units or trials within them; over units or trials alone for "
        "a single analysis.",
        (("Saravanan et al. 2020", "https://doi.org/10.51628/001c.13927"),),
    ),
    Definition(
        "z, p, q",
        "z: difference of the means over the standard deviation of members within their ensemble. p: t-test with one "
        "value for each member; with a single analysis on one side, whether it belongs to the ensemble, with what its "
        "own sampling adds. q: Benjamini and Hochberg over all rows of two ensembles.",
        (
            ("Crawford, Howell 1998", "https://doi.org/10.1076/clin.12.4.482.7241"),
            ("Benjamini, Hochberg 1995", "https://doi.org/10.1111/j.2517-6161.1995.tb02031.x"),
        ),
    ),
    Definition(
        "Within larger",
        "Share of the distances between members of one ensemble that are at least as large as the mean distance "
        "between members of the two, all at equal numbers of units or trials.",
    ),
)
_WORDS = (
    "Above: small points are members, large ones the mean of an ensemble with its standard deviation; for a single "
    "analysis the mean with the interval of the bootstrap over units or trials. Dotted: no effect. Below: mean "
    "distance between a member of the one and a member of the other ensemble, over that between members of one; 1 is "
    "no farther apart than seeds or sessions are. A star marks q < 0.05; empty where members do not differ at all."
)
_WORDS_SINGLE = (
    "Above: means with the interval of the bootstrap over units or trials. Dotted: no effect. Below: the "
    "Kolmogorov-Smirnov distance, 0 to 1, without what sampling adds. There is no ensemble to judge it by."
)


def comparison_page(content: ComparisonReport) -> Page:
    """Figure, table, and in words how many measures differ and which groups are nearest."""
    result = content.comparison
    rows = result.distances
    judged = bool(rows["p_value"].notna().any())
    windows = list(dict.fromkeys(rows["window_a"]))
    drawings = [
        Drawing(
            "comparison" if len(windows) == 1 else f"comparison_{position + 1}",
            comparison(result, window=window),
            f"Every measure by ensemble and group, and their distances, {window_title(window)}",
            [_WORDS if judged else _WORDS_SINGLE] if not position else [],
        )
        for position, window in enumerate(windows)
    ]
    numbers = [
        KeyNumber(str(len(members)), f"{name}: " + ("analysis" if len(members) == 1 else "analyses"))
        for name, members in result.settings["ensembles"].items()
    ]
    if judged:
        tested = rows["q_value"].notna()
        numbers.append(
            KeyNumber(f"{int((rows['q_value'] < _ALPHA).sum())} of {int(tested.sum())}", "comparisons with q < 0.05")
        )
    return Page(
        content.title,
        "; ".join(f"{name}: {', '.join(members)}" for name, members in result.settings["ensembles"].items()),
        numbers,
        [
            Section("figure", "Side by side", drawings, paragraphs=nearest(result)),
            Section("table", "The numbers", table=_table(result, judged)),
        ],
        lacks=result.notes,
        methods=_DEFINITIONS,
        settings=settings_rows(
            {key: value for key, value in result.settings.items() if key != "ensembles" and value}, content.environment
        ),
    )


def nearest(result: Comparison) -> list[str]:
    """For each group of the second ensemble, in which measures which group of the first is nearest to it.

    Nothing where each group was held against a single other one.
    """
    sentences = []
    for (first, second, window, group), rows in result.distances.groupby(
        ["ensemble_a", "ensemble_b", "window_b", "group_b"], sort=False
    ):
        if rows["group_a"].nunique() < 2:
            continue
        found: dict[str, list[str]] = {}
        for measure, of_measure in rows.groupby("measure", sort=False):
            closest = of_measure["group_a"].iloc[int(of_measure["distance_between_members"].argmin())]
            found.setdefault(str(closest), []).append(find_title(str(measure)))
        parts = [f"{name} in {', '.join(labels)}" for name, labels in found.items()]
        target = f"{group} of {second} ({window_title(str(window))})"
        sentences.append(f"Of the groups of {first}, nearest to {target}: {'; '.join(parts)}.")
    return sentences


def _table(result: Comparison, judged: bool) -> Table:
    rows = result.distances
    head = ["groups", "measure", "first", "second", "difference", "Wasserstein", "KS"]
    head += ["z", "within larger", "q"] if judged else []
    several = len(rows[["ensemble_a", "ensemble_b"]].drop_duplicates()) > 1
    windows = len(rows[["window_a", "window_b"]].drop_duplicates()) > 1
    lines: list[list[str | tuple[str, ...]]] = []
    before: tuple[str, ...] = ()
    for row in rows.to_dict("records"):
        who = tuple(
            line
            for line, shown in (
                (f"{row['ensemble_a']}, {row['ensemble_b']}", several),
                (f"{row['group_a']} | {row['group_b']}", True),
                (window_title(row["window_a"]), windows),
            )
            if shown
        )
        title = find_title(row["measure"], "" if "share" in row["unit"] else row["unit"])
        line: list[str | tuple[str, ...]] = [
            "" if who == before else who,
            title,
            _of_members(result.values, row["ensemble_a"], row["window_a"], row["group_a"], row["measure"]),
            _of_members(result.values, row["ensemble_b"], row["window_b"], row["group_b"], row["measure"]),
            _with_interval(row["difference"], row["difference_low"], row["difference_high"]),
            _with_interval(row["wasserstein"], row["wasserstein_low"], row["wasserstein_high"]),
            _with_interval(row["ks"], row["ks_low"], row["ks_high"]),
        ]
        if judged:
            larger = row["share_within_larger"]
            n_within = row["n_distances_within"]
            line += [
                number(row["z"]),
                "–" if np.isnan(larger) else f"{round(larger * n_within)} of {n_within}",
                _small(row["q_value"]),
            ]
        lines.append(line)
        before = who
    ensembles = result.settings["ensembles"]
    pair = rows[["ensemble_a", "ensemble_b"]].iloc[0].tolist()
    names = "" if several else f" First: {pair[0]}; second: {pair[1]}."
    n_single = sum(len(members) == 1 for members in ensembles.values())
    caption = (
        f"Mean, with ± SD over members where there are several.{names} Difference, Wasserstein and KS distance with "
        f"their intervals ({counted(result.settings['n_resamples'], 'resample')})"
    )
    caption += ", of single analyses over units or trials alone." if n_single else "."
    return Table(head, lines, caption)


def _of_members(values: pd.DataFrame, ensemble: str, window: str, group: str, measure: str) -> str | tuple[str, ...]:
    rows = values[
        (values["ensemble"] == ensemble)
        & (values["window"] == window)
        & (values["group"] == group)
        & (values["measure"] == measure)
    ]
    means = rows["mean"].to_numpy(dtype=np.float64)
    if len(means) == 1:
        return _short(float(means[0]))
    mean, found, sd = number(Value(float(means.mean()), float(means.std(ddof=1)))).partition(" ± ")
    return (mean, f"± {sd}") if found else (mean, "± 0")


def _with_interval(value: float, low: float, high: float) -> str | tuple[str, ...]:
    if np.isnan(value):
        return "–"
    return _short(value) if np.isnan(low) else (_short(value), f"{_short(low)} to {_short(high)}")


def _small(value: float) -> str:
    if np.isnan(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _short(value: float) -> str:
    if abs(value) < 1e-12:  # rounding of sums
        return "0"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
