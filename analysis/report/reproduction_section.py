"""The page of a reproduction: claim by claim, beside every control."""

from __future__ import annotations

from ..effects import EFFECTS, Estimate, estimate, verdict
from ..figures.effects_by_layer import effects_by_layer
from .content import ReproductionReport
from .methods import DEFINITIONS, settings_rows
from .section import Claim, Drawing, KeyNumber, Page, Section, Table

_VERDICTS = {"holds, and": "seen", "holds, but": "in the control too", "holds on": "partly seen", "does": "not seen"}


def reproduction_page(content: ReproductionReport) -> Page:
    """Verdicts, the measures behind them by layer, the table of numbers, and the networks."""
    trained = next(iter(content.conditions))
    rows, claims = [], []
    for effect in EFFECTS:
        found = {name: estimate(effect, analyses) for name, analyses in content.conditions.items()}
        words = verdict(found[trained], {name: found[name] for name in content.controls})
        badge = next(badge for start, badge in _VERDICTS.items() if words.startswith(start))
        claims.append(Claim(effect.claim, badge, f"It {words}. The number: {effect.definition}."))
        published = "" if effect.published is None else f"{effect.published:.2f}"
        rows.append([effect.claim, published, *(cell(found[name]) for name in content.conditions)])
    drawing = Drawing(
        "effects_by_layer",
        effects_by_layer(content.conditions),
        "Six measures by layer, for the trained networks and every control",
        [
            "Spikes up to the decision. Means over seeds, bars are standard deviations over seeds; conditions of a "
            "single seed have none. Trials without a decision are left out."
        ],
    )
    numbers = Table(
        ["claim", "published", *content.conditions],
        rows,
        "Each claim as a number that is positive where it holds: mean ± SD over seeds. Definitions stand above. A "
        f"claim holds in a control that shows at least half of it; controls are {' and '.join(content.controls)}.",
    )
    networks = Table(
        ["network", "seeds", "test accuracy, torch", "test accuracy, NEST", "unexplained differences"],
        content.networks,
        "Accuracy: mean ± SD over seeds, on the samples that were simulated.",
    )
    return Page(
        content.title,
        content.subtitle,
        [KeyNumber(value, label) for value, label in content.key_numbers],
        [
            Section("claims", "Claim by claim", claims=claims),
            Section("layers", "Layer by layer", [drawing]),
            Section("numbers", "The numbers", table=numbers),
            Section("networks", "The networks", table=networks),
        ],
        methods=DEFINITIONS,
        settings=settings_rows({}, content.environment),
    )


def cell(value: Estimate) -> str:
    """``mean ± SD`` as a table shows it."""
    if value.mean != value.mean:
        return "–"
    return f"{value.mean:.2f}" if value.sd != value.sd else f"{value.mean:.2f} ± {value.sd:.2f}"
