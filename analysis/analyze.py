"""All measures of a recording, simulated or real, as tidy tables: one call, one result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FileError, InputError
from ..network_description import NetworkDescription
from ..spike_table import SpikeTable
from .measures import find_groups, find_windows, stimulus_classes
from .measures.pathway_table import pathway_rows
from .measures.settings import Settings
from .measures.window_tables import WindowTables, n_parts
from .measures.windows import WindowSpec
from .tables import rows_of, table_of

if TYPE_CHECKING:
    import pandas as pd

    from .extras import Extra

TABLES = ("layers", "units", "packets", "pathways")


@dataclass(frozen=True)
class Analysis:
    """The measures of one recording, in tidy tables (one observation a row).

    Attributes
    ----------
    layers : DataFrame
        One row per window and group of units (layer, area or population).
    units : DataFrame
        One row per window and unit.
    packets : DataFrame
        One row per window, group and trial.
    pathways : DataFrame
        One row per window, network (``"network"``, ``"control"``), kind of pathway and hidden layer; empty without a
        description.
    extras : mapping of str to DataFrame
        Tables of the additional analyses that were asked for.
    lacks : tuple of str
        A sentence for everything that the recording lacks for an analysis.
    settings : mapping
        Arguments of the analysis, as plain JSON values.

    Columns end in their unit: ``_ms``, ``_hz``, ``_bits``; the others are shares, counts or names. ``_sem``: standard
    error of the mean over trials (packets), units (information) or held-out trials (decoding, binomial). What cannot
    be computed is NaN.
    """

    layers: pd.DataFrame
    units: pd.DataFrame
    packets: pd.DataFrame
    pathways: pd.DataFrame
    lacks: tuple[str, ...]
    settings: Mapping[str, Any]
    extras: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables by name, the additional ones too."""
        return {name: getattr(self, name) for name in TABLES} | dict(self.extras)

    def to_dict(self, tables: Sequence[str] = TABLES) -> dict[str, Any]:
        """Plain JSON values, a table as a list of rows ``{column: value}``; what is not finite becomes None."""
        unknown = sorted(set(tables) - set(TABLES))
        if unknown:
            raise InputError(f"an analysis has the tables {', '.join(TABLES)}, not {', '.join(unknown)}")
        result: dict[str, Any] = {name: rows_of(getattr(self, name)) for name in tables}
        if self.extras:
            result["extras"] = {name: rows_of(table) for name, table in self.extras.items()}
        return result | {"lacks": list(self.lacks), "settings": dict(self.settings)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Analysis:
        """The reverse of :meth:`to_dict`; tables that were left out are empty.

        Raises
        ------
        InputError
            When `values` is not such a dictionary.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown or "settings" not in values:
            raise InputError(f"not the dictionary of an analysis: it has the keys {sorted(values)}")

        return cls(
            **{name: table_of(values.get(name, [])) for name in TABLES},
            lacks=tuple(values.get("lacks", ())),
            settings=dict(values["settings"]),
            extras={name: table_of(rows) for name, rows in values.get("extras", {}).items()},
        )

    @classmethod
    def from_folder(cls, folder: str | Path, condition: str = "trained") -> Analysis:
        """The analysis in a folder of ``semsync analyze``, or of one seed of ``semsync run``.

        Parameters
        ----------
        folder : path
        condition : str
            Which network of a run: "trained", "untrained" or "shuffled".

        Raises
        ------
        FileError
            When the folder holds no analysis, or one that cannot be read.
        """
        from .tables import load_table, load_values

        folder = Path(folder)
        of_run = folder / f"analysis_{condition}.json"
        values = load_values(of_run if of_run.exists() else folder / "results.json")
        if not isinstance(values.get("units"), list) or "settings" not in values:
            raise FileError(f"{folder} holds no analysis of {condition!r}: neither that of one seed nor of a recording")
        analysis = cls.from_dict({key: values[key] for key in values if key in {item.name for item in fields(cls)}})
        saved = {name: folder / "tables" / f"{name}.parquet" for name in analysis.tables}
        found = {name: load_table(path) for name, path in saved.items() if path.exists() and not of_run.exists()}
        of_name = analysis.tables | found
        layers, units, packets, pathways = (of_name.pop(name) for name in TABLES)
        return replace(analysis, layers=layers, units=units, packets=packets, pathways=pathways, extras=of_name)


def analyze(
    table: SpikeTable,
    *,
    windows: Sequence[WindowSpec] = ("all", "decision"),
    by: str | None = None,
    spike_mode: str = "every",
    min_active_trials: int = 10,
    correction: str = "panzeri-treves",
    n_permutations: int = 1000,
    alpha: float = 0.05,
    n_splits: int = 5,
    matched_size: int | None = None,
    n_repeats: int = 10,
    n_sample_trials: int = 20,
    n_sample_units: int = 20,
    description: NetworkDescription | None = None,
    control: NetworkDescription | None = None,
    n_top: int | None = None,
    also: Sequence[str | Extra] = (),
    seed: int = 0,
    progress: Callable[[str, int, int], None] | None = None,
) -> Analysis:
    """Pulse packets, selectivity, separability, Elephant's measures and pathways of a recording.

    Parameters
    ----------
    table : SpikeTable
    windows : sequence of {"all", "decision"} or (t_start, t_stop)
        See :func:`~semsync.analysis.measures.find_window`; times in ms from onset.
    by : str, optional
        Column of the unit table by which units are grouped, such as ``"area"``; by layer, else area, else all together
        without it.
    spike_mode : {"every", "first"}
        Whether packets hold every spike or the first of each unit.
    min_active_trials : int
        Units active in fewer trials have no information gain and are not tested.
    correction : {"plugin", "miller-madow", "panzeri-treves", "shuffle", "quadratic"}
        Bias correction of information gain and mutual information; plug-in values stand beside the corrected ones.
    n_permutations : int
        Permutations of classes over trials, for p-values.
    alpha : float
        False discovery rate at which a unit counts as informative.
    n_splits : int
        Folds of cross-validation.
    matched_size : int, optional
        Spikes to which packets are subsampled; without it the largest number that half of the packets of every layer
        reach.
    n_repeats : int
        Draws of matched packets and shuffles of decision times.
    n_sample_trials, n_sample_units : int
        Size of the sample that Elephant's measures are computed on; 0 trials skips them.
    description, control : NetworkDescription, optional
        The network that was recorded, and one to hold its pathways against (untrained, or with shuffled weights).
    n_top : int, optional
        Units that form the pathway of a class; the excitatory units divided by the classes without it.
    also : sequence of str or Extra
        Additional analyses, such as ``"synchrony:n_surrogates=200"``; see :mod:`semsync.analysis.extras`.
    seed : int
        The same seed gives the same result.
    progress : callable, optional
        Called with each part of the work that begins, the number of parts that are done, and that of all.

    Raises
    ------
    InputError
        On arguments that cannot be used, or an empty recording. What a recording merely lacks is reported in
        `Analysis.lacks`.

    Examples
    --------
    >>> import numpy as np
    >>> from semsync import SpikeTable
    >>> from semsync.analysis.analyze import analyze
    >>> first = np.where(np.eye(2)[np.arange(40) % 2] == 1, 5.0, np.inf)
    >>> trials = {"start": np.arange(40) * 50.0, "stop": np.arange(40) * 50.0 + 50, "stimulus_class": np.arange(40) % 2}
    >>> table = SpikeTable.from_first_spikes([first], {"unit_id": [0, 1], "layer": [1, 1]}, trials)
    >>> analysis = analyze(table, n_permutations=99)
    >>> analysis.layers[["name", "information_gain", "decoding_accuracy", "chance_accuracy"]].values.tolist()
    [['layer 1', 1.0, 1.0, 0.5]]
    >>> analysis.lacks[0]
    "the recording has no decision times (trial column 'decision_time'): no decision window"
    """
    import pandas as pd

    from .counts_only import check_windows, has_times, withhold_times
    from .extras import find_extras

    settings = Settings(
        windows=tuple(windows),
        by=by,
        spike_mode=spike_mode,
        min_active_trials=min_active_trials,
        correction=correction,
        n_permutations=n_permutations,
        alpha=alpha,
        n_splits=n_splits,
        matched_size=matched_size,
        n_repeats=n_repeats,
        n_sample_trials=n_sample_trials,
        n_sample_units=n_sample_units,
        n_top=n_top,
        seed=seed,
    )
    if table.n_trials == 0 or table.n_units == 0:
        raise InputError(f"there is nothing to analyse in {table!r}")
    check_windows(table, settings.windows)
    asked_for = find_extras(also)
    classes = stimulus_classes(table)
    groups = find_groups(table, by)
    found, lacks = find_windows(table, settings.windows)
    lacks += _what_is_lacking(table, classes)
    possible = []
    for extra in asked_for:
        if extra.needs_times and not has_times(table):
            lacks.append(f"The analysis {extra.name!r} needs spike times, and the recording has counts.")
        elif extra.needs_classes and classes is None:
            lacks.append(f"The analysis {extra.name!r} needs stimulus classes, and the recording has none.")
        else:
            possible.append(extra)
    layers: list[pd.DataFrame] = []
    units: list[pd.DataFrame] = []
    packets: list[pd.DataFrame] = []
    pathways: list[pd.DataFrame] = []
    extras: dict[str, list[pd.DataFrame]] = {}
    n_all, n_done = len(found) * (n_parts(groups) + (description is not None) + len(possible)), 0

    def tell(part: str) -> None:
        nonlocal n_done
        if progress is not None:
            progress(f"window {window.name}: {part}", n_done, n_all)
        n_done += 1

    for number, window in enumerate(found):
        of_window = WindowTables(table, window, number, groups, settings, description, tell)
        unit_columns = of_window.unit_columns()
        layer_rows, packet_columns = of_window.group_rows(unit_columns)
        layers.append(pd.DataFrame(layer_rows))
        units.append(pd.DataFrame(unit_columns))
        packets += map(pd.DataFrame, packet_columns)
        if description is not None:
            tell("pathways")
            pathways.append(
                pd.DataFrame(pathway_rows(of_window.table, window.name, number, settings, description, control))
            )
        for extra in possible:
            tell(extra.name)
            if extra.needs_classes and of_window.classes is None:
                of_window.lacks.append(
                    f"The analysis {extra.name!r} needs two stimulus classes, and window {window.name!r} has one."
                )
                continue
            for name, rows in extra.compute(of_window).items():
                extras.setdefault(name, []).append(rows.assign(window=window.name)[["window", *rows.columns]])
        lacks += [sentence for sentence in of_window.lacks if sentence not in lacks]
    return Analysis(
        layers=withhold_times(table, _stacked(layers)),
        units=withhold_times(table, _stacked(units)),
        packets=withhold_times(table, _stacked(packets)),
        pathways=withhold_times(table, _stacked(pathways)),
        lacks=tuple(lacks),
        settings=settings.to_dict()
        | {"control": control is not None, "description": description is not None}
        | ({"also": [str(extra) for extra in asked_for]} if asked_for else {}),
        extras={name: _stacked(tables) for name, tables in extras.items()},
    )


def _stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _what_is_lacking(table: SpikeTable, classes: NDArray[np.int64] | None) -> list[str]:
    lacks = []
    if "layer" not in table.units and "area" not in table.units:
        lacks.append("The recording has neither layers nor areas: all units are analysed as one group.")
    if classes is None:
        what = "a single stimulus class" if "stimulus_class" in table.trials else "no stimulus classes"
        lacks.append(f"The recording has {what}: no selectivity and no separability.")
    cell_types = table.units.get("cell_type", np.array([])).astype(str)
    if not set(cell_types) & {"E", "I"}:
        lacks.append("The recording has no cell types: excitatory and inhibitory units are not told apart.")
    return lacks
