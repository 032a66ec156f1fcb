"""Which options of ``semsync analyze`` to begin with, from what a file holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .inspection import MAX_VALUES, Column, TrialTable

_CLASS_WORDS = re.compile(
    r"stim|class|categ|cond|contrast|orient|direct|image|target|odou?r|tone|side|cue|label|group|type|code|freq", re.I
)
_LIKELY_WORDS = re.compile(r"stim|class|categ", re.I)
_BEHAVIOUR_WORDS = re.compile(r"resp|choice|correct|feedback|reward|outcome|hit|error|confid|valid|answer|rt\b", re.I)
_TIME_WORDS = re.compile(r"time|onset|offset|_on$|_off$|start|stop|dur|latency|_m?s$", re.I)
_ID_WORDS = re.compile(r"(^|_)(id|index|number|trial|block|session)s?($|_)", re.I)
_MIN_TRIALS = 5  # of a class, the folds of the cross-validation
_MAX_CLASSES = 30
LONG_TRIAL_MS = 2000.0
_SPAN = "0,1000"


def class_columns(table: TrialTable) -> list[Column]:
    """Columns that can be stimulus classes, the likeliest first."""
    scored = [(_score(column), number) for number, column in enumerate(table.columns)]
    return [table.columns[number] for score, number in sorted(scored, key=lambda s: (-s[0], s[1])) if score > 0]


def suggest(tables: Sequence[TrialTable], *, named: bool, default: str = "trials") -> tuple[dict[str, str], list[str]]:
    """Options and remarks on them.

    Parameters
    ----------
    tables : sequence of TrialTable
    named : bool
        Whether the reader takes the name of a table.
    default : str
        The table that is taken without an option.
    """
    options: dict[str, str] = {}
    remarks: list[str] = []
    tables = [table for table in tables if table.n_trials > 1]
    if not tables:
        return options, remarks
    table = max(tables, key=lambda own: (_best_score(own), own.name == default, own.n_trials))
    others = [own.name for own in tables if own is not table]
    if named and table.name != default:
        options["trials"] = table.name
    if others:
        remarks.append(f"Other tables of trials: {', '.join(others)}.")
    if not _is_classified(table):
        classes = class_columns(table)
        if classes:
            options["class_column"] = classes[0].name
        if len(classes) > 1:
            shown = ", ".join(column.name for column in classes[1:6])
            remarks.append(f"Other columns that can be the class: {shown}{' ...' if len(classes) > 6 else ''}.")
    events = [column.name for column in table.columns if column.is_event and not _ID_WORDS.search(column.name)]
    if events:
        remarks.append(f"Events that --align can take: {', '.join(events[:8])}{' ...' if len(events) > 8 else ''}.")
    if table.median_duration_ms > LONG_TRIAL_MS:
        options["span"] = _SPAN
        remarks.append(
            f"Trials last {table.median_duration_ms / 1000:.3g} s (median), in which most units fire whatever the "
            f"class: --span {_SPAN} takes the first second from the onset; choose your own."
        )
    return options, remarks


def suggest_codes(events: Mapping[int, int], first_event_code: int) -> dict[str, str]:
    """Codes of a list of events that look like classes: a ten of codes with several, each frequent enough."""
    tens: dict[int, list[int]] = {}
    for code, n_events in events.items():
        if code >= first_event_code and n_events >= _MIN_TRIALS:
            tens.setdefault(code // 10, []).append(code)
    families = [codes for codes in tens.values() if len(codes) > 1]
    if not families:
        return {}
    best = max(families, key=lambda codes: (sum(events[code] for code in codes), -codes[0]))
    return {"align": ",".join(map(str, sorted(best))), "span": "0,500"}


def _best_score(table: TrialTable) -> float:
    scores = [_score(column) for column in table.columns]
    return max([float("inf") if _is_classified(table) else 0.0, *scores])


def _is_classified(table: TrialTable) -> bool:
    return any(column.name == "stimulus_class" for column in table.columns)


def _score(column: Column) -> float:
    if not 2 <= column.n_values <= _MAX_CLASSES or column.is_event:
        return 0.0
    score = 1.0
    if _CLASS_WORDS.search(column.name):
        score += 3
    if _LIKELY_WORDS.search(column.name):
        score += 1
    if _BEHAVIOUR_WORDS.search(column.name):
        score -= 0.5
    if _TIME_WORDS.search(column.name) or _ID_WORDS.search(column.name):
        score -= 3
    if column.n_missing:
        score -= 0.5
    if column.min_count < _MIN_TRIALS:
        score -= 2
    if column.n_values > MAX_VALUES:
        score -= 0.5
    return score
