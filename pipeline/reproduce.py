"""Reproductions of papers: all networks and controls, every claim as a number, one table and one page."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .config import RunConfig, load_config
from .progress import Progress, silent
from .run import run_seeds
from .run_folder import RunFolder, environment, read_json, write_json

if TYPE_CHECKING:
    from ..analysis.analyze import Analysis

logger = logging.getLogger(__name__)

PAPERS = {"semantization": "Synchronization and semantization in deep spiking networks (arXiv:2508.12975)"}
MAIN = "trained"
CONTROLS = {"untrained": "untrained", "shuffled weights": "shuffled"}  # and the condition of their analysis
# The preset's schedule in fewer epochs, for a command of minutes.
_QUICK = ("training.epochs=50", "training.decay_every=8")
_VARIANTS = {
    "3 layers": "mnist-3-layers",
    "5 layers": "mnist-5-layers",
    "8 layers": "mnist-8-layers",
    "silent background": "mnist-silent-background",
}


@dataclass(frozen=True)
class Condition:
    """Networks of one kind.

    Attributes
    ----------
    name : str
    folder : str
    config : RunConfig
    n_seeds : int
    """

    name: str
    folder: str
    config: RunConfig
    n_seeds: int


def conditions(
    paper: str,
    *,
    quick: bool = False,
    n_seeds: int = 3,
    n_trials: int | None = None,
    variants: bool = True,
    settings: Sequence[str] = (),
) -> list[Condition]:
    """What a reproduction trains: the main network first, over seeds; one seed of everything else.

    Raises
    ------
    InputError
        When the paper is not one of those that can be reproduced.
    """
    if paper not in PAPERS:
        raise InputError(f"there is no reproduction {paper!r}; there is {', '.join(PAPERS)}")
    common = [*settings, *([] if n_trials is None else [f"simulation.n_trials={n_trials}"])]
    if quick:
        main, presets, recipe = "digits", {}, []
        common = [*_QUICK, *common]
    else:
        main, presets = "mnist-short", _VARIANTS if variants else {}
        # Variants of the paper's recipe, on the schedule of the main network.
        training = load_config(main).training.model_dump(exclude_unset=True)
        recipe = [f"training.{key}={value}" for key, value in training.items()]
    return [
        Condition(MAIN, "trained", load_config(main, [*common, "analysis.shuffled_control=true"]), n_seeds),
        Condition("no Dale", "no-dale", load_config(main, [*common, "network.dale=false"]), 1),
        *(
            Condition(name, preset.removeprefix("mnist-"), load_config(preset, [*recipe, *common]), 1)
            for name, preset in presets.items()
        ),
    ]


def reproduce(
    paper: str,
    out: str | Path,
    *,
    quick: bool = False,
    n_seeds: int = 3,
    n_trials: int | None = None,
    variants: bool = True,
    settings: Sequence[str] = (),
    resume: bool = False,
    data_folder: str | Path | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train, simulate and analyse every network of a paper and its controls; judge each claim.

    The folder holds ``results.json``, ``report.html``, ``claims.md`` (the table of claims) and ``figures/``.

    Parameters
    ----------
    paper : str
        A key of ``PAPERS``.
    out : path
        Folder for a run per condition and seed, ``results.json`` and ``report.html``.
    quick : bool
        A smaller network on the digits that ship with a dependency, and no variants: minutes.
    n_seeds : int
        Of the main network; its variants have one.
    n_trials : int, optional
        Test samples to simulate and analyse; all without.
    variants : bool
        Whether networks of other depths, and one whose background never spikes, are trained too.
    settings : sequence of str
        ``key=value``, for every network; see :func:`semsync.pipeline.config.load_config`.
    resume : bool
        Go on after an interruption; finished runs are read.

    Returns
    -------
    dict
        What was written to ``results.json``: ``claims`` with their numbers in every condition, and ``networks``.
    """
    planned = conditions(paper, quick=quick, n_seeds=n_seeds, n_trials=n_trials, variants=variants, settings=settings)
    folder = RunFolder(out, resume=resume)
    of_condition: dict[str, dict[str, Any]] = {}
    seconds = read_json(folder.root / "seconds.json") if (folder.root / "seconds.json").exists() else {}
    for condition in planned:

        def of_stage(stage: str, n_done: int, n_all: int, note: str = "", name: str = condition.name) -> None:
            progress(f"{name}: {stage}", n_done, n_all, note)

        own = folder.root / condition.folder
        started = time.perf_counter()
        of_condition[condition.name] = run_seeds(
            condition.config, condition.n_seeds, own, resume=own.exists(), data_folder=data_folder, progress=of_stage
        )
        seconds[condition.name] = seconds.get(condition.name, 0.0) + time.perf_counter() - started
        write_json(folder.root / "seconds.json", seconds)
    analyses = _analyses(folder, planned)
    results = {
        "paper": PAPERS[paper],
        "quick": quick,
        "claims": _claims(analyses),
        "networks": {
            name: {
                "n_seeds": len(found["seeds"]),
                "torch": _mean_and_sd(found, "torch"),
                "nest": _mean_and_sd(found, "nest"),
                "n_test": found["n_test"],
                "n_spikes_compared": found["nest"]["n_spikes_compared"],
                "max_abs_difference_ms": found["nest"]["max_abs_difference_ms"],
                "n_unexplained": found["nest"]["n_unexplained"],
                "seconds": seconds[name],
            }
            for name, found in of_condition.items()
        },
    }
    write_json(folder.results, results)
    (folder.root / "claims.md").write_text(claims_table(results), encoding="utf-8")
    _write_page(paper, folder, analyses, results)
    return results


def _analyses(folder: RunFolder, planned: Sequence[Condition]) -> dict[str, list[Analysis]]:
    """Analyses of every condition, over seeds; the controls of the main network are conditions of their own."""
    from ..analysis.analyze import Analysis

    found: dict[str, list[Analysis]] = {}
    for condition in planned:
        kinds = {condition.name: "trained"}
        if condition.name == MAIN:
            kinds |= CONTROLS
        for name, kind in kinds.items():
            seeds = range(condition.config.seed, condition.config.seed + condition.n_seeds)
            folders = [RunFolder.paths(folder.root / condition.folder / f"seed-{seed}") for seed in seeds]
            found[name] = [Analysis.from_dict(read_json(own.analysis(kind))) for own in folders]
    return found


def _claims(analyses: Mapping[str, Sequence[Analysis]]) -> list[dict[str, Any]]:
    from ..analysis.effects import EFFECTS, estimate, verdict

    claims = []
    for effect in EFFECTS:
        found = {name: estimate(effect, of_seeds) for name, of_seeds in analyses.items()}
        controls = {name: found[name] for name in CONTROLS}
        claims.append(
            {
                "key": effect.key,
                "claim": effect.claim,
                "definition": effect.definition,
                "published": effect.published,
                "shown": found[MAIN].mean > 0,
                "verdict": verdict(found[MAIN], controls),
                "values": {name: [_plain(value) for value in one.values] for name, one in found.items()},
                "mean": {name: _plain(one.mean) for name, one in found.items()},
                "sd": {name: _plain(one.sd) for name, one in found.items()},
            }
        )
    return claims


def claims_table(results: Mapping[str, Any]) -> str:
    """The claims of a reproduction as a table in Markdown: mean +- SD over seeds in every condition."""
    names = list(results["claims"][0]["mean"])
    lines = [f"| claim | published | {' | '.join(names)} | verdict |", "|---" * (len(names) + 3) + "|"]
    for claim in results["claims"]:
        published = "" if claim["published"] is None else f"{claim['published']:.2f}"
        cells = [_cell(claim["mean"][name], claim["sd"][name]) for name in names]
        lines.append(f"| {claim['claim']} | {published} | {' | '.join(cells)} | {claim['verdict']} |")
    return "\n".join(lines) + "\n"


def _cell(mean: float | None, sd: float | None) -> str:
    if mean is None:
        return "-"
    return f"{mean:.2f}" if sd is None else f"{mean:.2f} +- {sd:.2f}"


def _plain(value: float) -> float | None:
    return None if value != value else value


def _mean_and_sd(found: Mapping[str, Any], where: str) -> dict[str, float | None]:
    return {
        "test_accuracy": found[where]["test_accuracy"],
        "sd": found.get("sd", {}).get(where, {}).get("test_accuracy"),
    }


def _write_page(
    paper: str, folder: RunFolder, analyses: Mapping[str, Sequence[Analysis]], results: Mapping[str, Any]
) -> None:
    from ..analysis.report import ReproductionReport, save_figures, write_report

    def percent(value: Mapping[str, float | None]) -> str:
        mean, sd = value["test_accuracy"], value["sd"]
        return f"{mean:.2%}" if sd is None else f"{mean:.2%} ± {sd:.2%}"

    networks = results["networks"]
    rows = [
        [name, str(one["n_seeds"]), percent(one["torch"]), percent(one["nest"]), str(one["n_unexplained"])]
        for name, one in networks.items()
    ]
    n_shown = sum(claim["shown"] for claim in results["claims"])
    content = ReproductionReport(
        f"Reproduction: {paper}",
        PAPERS[paper] + (", quick: a smaller net on digits" if results["quick"] else ""),
        analyses,
        list(CONTROLS),
        rows,
        key_numbers=[
            (f"{n_shown} of {len(results['claims'])}", "claims with the sign of the paper"),
            (percent(networks[MAIN]["torch"]), "test accuracy"),
            (f"{networks[MAIN]['max_abs_difference_ms']:.1e} ms", "largest difference of a spike time in NEST"),
            (f"{sum(one['seconds'] for one in networks.values()) / 3600:.1f} h", "on this machine, all networks"),
        ],
        environment=environment(),
    )
    write_report(folder.report, content)
    save_figures(folder.root / "figures", content)
