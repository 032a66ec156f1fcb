"""How windows are called where people read."""

from __future__ import annotations

_TITLES = {"all": "all spikes", "decision": "up to the decision"}


def window_title(window: str) -> str:
    """As a title.

    Examples
    --------
    >>> window_title("decision"), window_title("20..80 ms")
    ('up to the decision', 'from 20 to 80 ms')
    """
    if window in _TITLES:
        return _TITLES[window]
    start, separator, stop = window.partition("..")
    return f"from {start} to {stop}" if separator else window
