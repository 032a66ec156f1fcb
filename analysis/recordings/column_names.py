"""What a column is called in a file, where Neo, NIX or NWB keep its name for something else."""

from __future__ import annotations

from collections.abc import Set

from .header import TIME_IN_TRIAL, TRIAL

# fmt: off
NEO_NAMES = {
    "name", "description", "file_origin", "times", "durations", "labels", "units", "dtype", "copy", "t_start", "t_stop",
    "sampling_rate", "sampling_period", "waveforms", "left_sweep", "array_annotations", "annotations", "nix_name",
    "neo_name", TIME_IN_TRIAL, TRIAL,
}
NWB_NAMES = {
    "id", "name", "description", "colnames", "columns", "namespace", "neurodata_type", "object_id", "spike_times",
    "obs_intervals", "electrodes", "electrode_group", "waveform_mean", "waveform_sd", "waveforms", "resolution",
    "waveform_rate", "waveform_unit", "start_time", "stop_time", "tags", "timeseries", TIME_IN_TRIAL, TRIAL,
}
# fmt: on
_PREFIX = "column_"


def escape(name: str, reserved: Set[str]) -> str:
    """The name of a column in a file: ``column_<name>`` where the name is reserved, or begins so itself."""
    return _PREFIX + name if name in reserved or name.startswith(_PREFIX) else name


def unescape(name: str) -> str:
    """The name of the column that :func:`escape` gave this name."""
    return name.removeprefix(_PREFIX)
