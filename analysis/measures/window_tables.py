"""All measures of one window of a recording, as rows of the tables of an analysis."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network_description import NetworkDescription
from ...spike_table import SpikeTable
from . import elephant_measures
from .classes import stimulus_classes
from .decoding import decode, latency_features
from .distances import jaccard_separation
from .groups import UnitGroup
from .information import information_gain, mutual_information, preferred_class
from .packets import (
    Packets,
    common_packet_size,
    matched_shortest_half,
    packet_spikes,
    pulse_packets,
    shuffled_decision_shortest_half,
)
from .permutation import permutation_p_values, q_values, say_if_few_permutations
from .settings import Settings
from .summary import mean_of_finite, sem_of_finite
from .windows import Window, apply_window

NAN = float("nan")
_INFORMATION_COLUMNS = (
    "information_gain",
    "information_gain_balanced",
    "information_bits",
    "information_gain_plugin",
    "information_gain_balanced_plugin",
    "information_bits_plugin",
    "p_value",
    "q_value",
)
_SEPARABILITY_COLUMNS = (
    "decoding_accuracy",
    "decoding_accuracy_sem",
    "decoding_accuracy_linear",
    "decoding_accuracy_linear_sem",
    "decoding_accuracy_latency",
    "decoding_accuracy_latency_sem",
    "chance_accuracy",
    "jaccard_within",
    "jaccard_between",
    "jaccard_ratio",
    "jaccard_auc",
)
_SAMPLED_COLUMNS = (
    "complexity",
    "spike_contrast",
    "spike_time_tiling",
    "van_rossum",
    "van_rossum_within",
    "van_rossum_between",
)


def n_parts(groups: list[UnitGroup]) -> int:
    """Parts of the work on a window that are told."""
    return 3 + 3 * len(groups)


class WindowTables:
    """Tables of one window.

    Parameters
    ----------
    table : SpikeTable
        The whole recording.
    window : Window
    number : int
        The window's number, for the seeds.
    groups : list of UnitGroup
    settings : Settings
    description : NetworkDescription, optional
        The network that was recorded.
    tell : callable
        Called with the name of each part of the work that begins, :func:`n_parts` times in all.

    Attributes
    ----------
    table : SpikeTable
        Cut to the window.
    lacks : list of str
        Sentences on what could not be computed.
    """

    def __init__(
        self,
        table: SpikeTable,
        window: Window,
        number: int,
        groups: list[UnitGroup],
        settings: Settings,
        description: NetworkDescription | None = None,
        tell: Callable[[str], None] = lambda part: None,
    ) -> None:
        self.window, self.number, self.groups, self.settings = window, number, groups, settings
        self.description = description
        self._tell = tell
        tell("spikes of the window")
        self.lacks: list[str] = []
        self._whole = table
        self.table = apply_window(table, window, spike_mode=settings.spike_mode)
        self.classes = stimulus_classes(self.table)
        if window.n_excluded:
            self.lacks.append(
                f"{window.n_excluded} of {table.n_trials} trials have no window {window.name!r} and are left out of it."
            )

    @cached_property
    def first_spikes(self) -> NDArray[np.float64]:
        """[ms], shape [n_trials, n_units]"""
        return self.table.first_spikes()

    @cached_property
    def activity(self) -> NDArray[np.bool_]:
        """Whether each unit spikes in each trial, shape [n_trials, n_units]."""
        return np.isfinite(self.first_spikes)

    @cached_property
    def cell_type(self) -> NDArray[np.str_]:
        """Shape [n_units]."""
        column = self.table.units.get("cell_type")
        return np.full(self.table.n_units, "-") if column is None else column.astype(str)

    def unit_columns(self) -> dict[str, NDArray[Any]]:
        """Columns of the unit table: what each unit's activity tells about the class, NaN without classes."""
        self._tell("selectivity")
        n_units = self.table.n_units
        layer = np.zeros(n_units, dtype=np.int64)
        for group in self.groups:
            layer[group.rows] = group.layer
        columns: dict[str, NDArray[Any]] = {
            "window": np.full(n_units, self.window.name),
            "unit_id": self.table.units["unit_id"],
            "layer": layer,
            "cell_type": self.cell_type,
            "area": self.table.units.get("area", np.full(n_units, "")).astype(str),
            "n_active_trials": self.activity.sum(axis=0),
            "rate_hz": self._unit_rates(),
        }
        if self.classes is None:
            columns |= dict.fromkeys(_INFORMATION_COLUMNS, np.full(n_units, NAN))
            return columns | {"preferred_class": np.full(n_units, -1)}
        return columns | self._information(self.classes)

    def _unit_rates(self) -> NDArray[np.float64]:
        """[Hz], over all trials of the window; NaN where they have no duration."""
        duration = float((self.table.t_stop - self.table.t_start).sum())
        n_spikes = np.bincount(self.table.unit, minlength=self.table.n_units).astype(np.float64)
        return n_spikes * (1000.0 / duration) if duration > 0 else np.full(self.table.n_units, NAN)

    def _information(self, classes: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        settings, activity = self.settings, self.activity
        columns: dict[str, NDArray[Any]] = {}
        for suffix, correction in (("", settings.correction), ("_plugin", "plugin")):
            options: dict[str, Any] = {"correction": correction, "seed": settings.seed_for("shuffle", self.number)}
            gain = {"min_active_trials": settings.min_active_trials} | options
            columns["information_gain" + suffix] = information_gain(activity, classes, **gain)
            columns["information_gain_balanced" + suffix] = information_gain(activity, classes, balanced=True, **gain)
            columns["information_bits" + suffix] = mutual_information(activity, classes, **options)
        # Units that are silent or active throughout cannot be informative, whatever the classes are.
        n_active = activity.sum(axis=0)
        tested = (n_active >= settings.min_active_trials) & (n_active < self.table.n_trials)
        p_values = np.full(self.table.n_units, NAN)
        if tested.any():
            p_values[tested] = permutation_p_values(
                activity[:, tested],
                classes,
                n_permutations=settings.n_permutations,
                alpha=settings.alpha,
                seed=settings.seed_for("permutation", self.number),
            )
        self.lacks += say_if_few_permutations(
            settings.n_permutations, settings.alpha, int(tested.sum()), where=f"in window {self.window.name!r}"
        )
        columns |= {"p_value": p_values, "q_value": q_values(p_values)}
        return {name: columns[name] for name in _INFORMATION_COLUMNS} | {
            "preferred_class": preferred_class(activity, classes)
        }

    def group_rows(self, units: dict[str, NDArray[Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of the layer table, and columns of the packet table for each group."""
        self._tell("packets")
        packets = [pulse_packets(self.table, group.rows) for group in self.groups]
        matched_size = self.settings.matched_size or common_packet_size([packet.size for packet in packets])
        rows: list[dict[str, Any]] = []
        packet_columns: list[dict[str, Any]] = []
        for number, (group, packet) in enumerate(zip(self.groups, packets, strict=True)):
            key = {"window": self.window.name, "layer": group.layer, "name": group.name}
            self._tell(f"packets of {group.name} at equal size")
            columns = self._packet_columns(group, packet, matched_size, number)
            packet_columns.append(
                key | {"trial": np.flatnonzero(self.window.included), **self._class_column()} | columns
            )
            rows.append(
                key
                | {
                    "n_units": len(group.rows),
                    "n_trials": self.table.n_trials,
                    "n_trials_excluded": self.window.n_excluded,
                }
                | _packet_means(columns)
                | {"matched_size": matched_size or NAN}
                | self._selectivity(group, units)
                | self._separability(group)
                | self._elephant(group, number)
            )
        return rows, packet_columns

    def _class_column(self) -> dict[str, NDArray[np.int64]]:
        return {"stimulus_class": np.full(self.table.n_trials, -1) if self.classes is None else self.classes}

    def _packet_columns(
        self, group: UnitGroup, packet: Packets, matched_size: int | None, number: int
    ) -> dict[str, NDArray[Any]]:
        settings, nothing = self.settings, np.full(self.table.n_trials, NAN)
        matched, shuffled = nothing, nothing
        if matched_size is not None:
            seed = settings.seed_for("matched", self.number, number)
            spikes = packet_spikes(self.table, group.rows)
            matched = matched_shortest_half(spikes, matched_size, n_repeats=settings.n_repeats, seed=seed)
        if self.window.name == "decision":
            seed = settings.seed_for("shuffled decisions", number)
            whole = packet_spikes(self._whole_in_spike_mode, group.rows)
            decision_time = self._whole.trials["decision_time"].astype(np.float64)
            shuffled = shuffled_decision_shortest_half(whole, decision_time, n_repeats=settings.n_repeats, seed=seed)[
                self.window.included
            ]
        return {
            "packet_size": packet.size,
            "packet_mean_ms": packet.mean,
            "packet_sd_ms": packet.sd,
            "packet_shortest_half_ms": packet.shortest_half,
            "packet_shortest_half_matched_ms": matched,
            "packet_shortest_half_shuffled_ms": shuffled,
            "participation": packet.participation,
        }

    @cached_property
    def _whole_in_spike_mode(self) -> SpikeTable:
        """All spikes; the first of each unit does not depend on where a window that starts with the trial ends."""
        everything = Window("all", self._whole.t_start, self._whole.t_stop, np.ones(self._whole.n_trials, dtype=bool))
        return apply_window(self._whole, everything, spike_mode=self.settings.spike_mode)

    def _selectivity(self, group: UnitGroup, units: dict[str, NDArray[Any]]) -> dict[str, float]:
        row: dict[str, float] = {}
        for suffix, rows in (
            ("_E", group.rows[self.cell_type[group.rows] == "E"]),
            ("_I", group.rows[self.cell_type[group.rows] == "I"]),
            ("", group.rows),
        ):
            gain = units["information_gain"][rows]
            row["information_gain" + suffix] = mean_of_finite(gain)
            row[f"information_gain{suffix}_sem"] = sem_of_finite(gain)
            row[f"information_gain{suffix}_plugin"] = mean_of_finite(units["information_gain_plugin"][rows])
            row[f"information_gain{suffix}_n_units"] = int(np.isfinite(gain).sum())
        bits = units["information_bits"][group.rows]
        row["mutual_information_bits"], row["mutual_information_sem_bits"] = mean_of_finite(bits), sem_of_finite(bits)
        informative = units["q_value"][group.rows] <= self.settings.alpha
        row["fraction_informative"] = float(informative.mean()) if self.classes is not None else NAN
        return row

    def _separability(self, group: UnitGroup) -> dict[str, float]:
        self._tell(f"decoding and distances of {group.name}")
        row = dict.fromkeys(_SEPARABILITY_COLUMNS, NAN)
        classes = self.decoded_classes
        if classes is None:
            return row
        trials = np.flatnonzero(classes >= 0)
        activity = self.activity[np.ix_(trials, group.rows)]
        latency = latency_features(self.first_spikes[np.ix_(trials, group.rows)])
        for suffix, features, decoder in (
            ("", activity, "nearest-mean"),
            ("_linear", activity, "linear"),
            ("_latency", latency, "nearest-mean"),
        ):
            decoding = decode(
                features, classes[trials], decoder=decoder, n_splits=self.settings.n_splits, seed=self.settings.seed
            )
            row["decoding_accuracy" + suffix] = decoding.accuracy
            row[f"decoding_accuracy{suffix}_sem"] = decoding.sem
            row["chance_accuracy"] = decoding.chance
        jaccard = jaccard_separation(activity, classes[trials])
        row["jaccard_within"], row["jaccard_between"] = jaccard.within, jaccard.between
        row["jaccard_ratio"], row["jaccard_auc"] = jaccard.ratio, jaccard.auc
        return row

    @cached_property
    def decoded_classes(self) -> NDArray[np.int64] | None:
        """Class of each trial, -1 where its class has fewer trials than there are folds; None if nothing is left."""
        if self.classes is None:
            return None
        labels, index, n_trials = np.unique(self.classes, return_inverse=True, return_counts=True)
        enough = n_trials >= self.settings.n_splits
        if not enough.all():
            self.lacks.append(
                f"Decoding in window {self.window.name!r} leaves out the classes {labels[~enough].tolist()}, "
                f"which have fewer trials than the {self.settings.n_splits} folds."
            )
        return np.where(enough[index], self.classes, -1) if enough.sum() > 1 else None

    def _elephant(self, group: UnitGroup, number: int) -> dict[str, float]:
        self._tell(f"Elephant's measures of {group.name}")
        settings, table = self.settings, self.table
        rate = {"rate_hz": elephant_measures.firing_rate(table, group.rows)}
        if not settings.n_sample_trials:
            return rate | {"sample_n_trials": 0, "sample_n_units": 0} | dict.fromkeys(_SAMPLED_COLUMNS, NAN)
        sample = elephant_measures.draw_sample(
            table,
            group.rows,
            n_trials=settings.n_sample_trials,
            n_units=settings.n_sample_units,
            seed=settings.seed_for("sample", self.number, number),
        )
        distance = elephant_measures.van_rossum(table, sample)
        return rate | {
            "sample_n_trials": len(sample.trials),
            "sample_n_units": len(sample.units),
            "complexity": elephant_measures.mean_complexity(table, sample),
            "spike_contrast": elephant_measures.spike_contrast(table, sample),
            "spike_time_tiling": elephant_measures.spike_time_tiling(
                table, sample, seed=settings.seed_for("pairs", self.number, number)
            ),
            "van_rossum": distance.mean,
            "van_rossum_within": distance.within,
            "van_rossum_between": distance.between,
        }


def _packet_means(columns: dict[str, NDArray[Any]]) -> dict[str, float]:
    """Means over trials, each with its standard error: ``packet_sd_ms`` and ``packet_sd_sem_ms``."""
    row = {}
    for name, values in columns.items():
        row[name] = mean_of_finite(values)
        stem, unit = (name[:-3], "_ms") if name.endswith("_ms") else (name, "")
        row[f"{stem}_sem{unit}"] = sem_of_finite(values)
    return row
