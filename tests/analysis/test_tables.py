"""Results as tables in files, and an analysis read back from its folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from semsync import SpikeTable
from semsync.analysis.analyze import TABLES, Analysis
from semsync.analysis.recordings import save_nwb
from semsync.analysis.tables import load_table, save_tables
from semsync.errors import FileError, InputError
from semsync.pipeline.recorded import analyse_file


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two areas; the first three units of V1 prefer a side."""
    rng = np.random.default_rng(4)
    n_trials = 60
    side = np.arange(n_trials) % 2
    rate = np.where((np.arange(9) < 3) & (side[:, None] == 1), 4.0, 0.5)
    n_spikes = rng.poisson(rate)
    trial, unit = (np.repeat(rows.ravel(), n_spikes.ravel()) for rows in np.indices(n_spikes.shape))
    start = np.arange(n_trials) * 600.0
    units = {"unit_id": np.arange(9), "area": np.array(["V1"] * 5 + ["LM"] * 4)}
    trials = {"start": start, "stop": start + 500, "onset": start + 100, "stimulus_class": side}
    return save_nwb(
        SpikeTable(rng.uniform(-100, 400, len(trial)), unit, trial, units, trials),
        tmp_path_factory.mktemp("session") / "s.nwb",
    )


@pytest.fixture(scope="module")
def analysed(session: Path) -> Path:
    out = session.parent / "out"
    analyse_file(session, out, baseline="-100,0", windows=["0,400"], n_permutations=99)
    return out


@pytest.fixture
def out(analysed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(analysed, tmp_path / "out"))


def results_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text())


def test_a_folder_of_semsync_analyze_is_read_back(out: Path) -> None:
    written = results_of(out)
    analysis = Analysis.from_folder(out)
    assert len(analysis.packets) == 2 * 60
    for name in ("layers", "units"):
        again = pd.DataFrame(written[name]).fillna(np.nan)
        pd.testing.assert_frame_equal(analysis.tables[name], again, check_dtype=False)
        pd.testing.assert_frame_equal(
            pd.read_csv(out / "tables" / f"{name}.csv"), analysis.tables[name], check_dtype=False
        )
    assert analysis.settings["baseline"] == "-100,0"
    assert len(pd.read_csv(out / "tables" / "responses.csv")) == 9
    assert {"area", "information_bits", "p_value", "q_value", "rate_hz"} <= set(written["units"][0])
    informative = analysis.units["q_value"] < 0.05
    assert analysis.units["unit_id"][informative].tolist() == [0, 1, 2]
    assert set(analysis.units["area"][informative]) == {"V1"}
    # Without the tables the same comes from the numbers, but for the packets.
    for path in (out / "tables").iterdir():
        path.unlink()
    plain = Analysis.from_folder(out)
    assert len(plain.packets) == 0
    pd.testing.assert_frame_equal(plain.units, analysis.units, check_dtype=False)


def test_rates_of_units_are_counts_over_time(analysed: Path) -> None:
    written = results_of(analysed)
    units, layers = pd.DataFrame(written["units"]), pd.DataFrame(written["layers"])
    assert units["rate_hz"].groupby(units["area"]).mean().to_dict() == pytest.approx(
        dict(zip(layers["name"], layers["rate_hz"], strict=True))
    )


def test_what_an_earlier_analysis_left_is_removed_and_nothing_else(session: Path, out: Path) -> None:
    first = results_of(out)
    (out / "tables" / "mine.csv").write_text("a\n1\n")
    assert all((out / name).exists() for name in first["files"])
    with pytest.raises(FileError, match="holds an analysis; add --overwrite"):
        analyse_file(session, out)
    second = analyse_file(session, out, overwrite=True, n_permutations=99)
    assert results_of(out)["files"] == second["files"]
    found = {path.relative_to(out).as_posix() for path in out.glob("*/*")}
    assert found == {*second["files"], "tables/mine.csv"}
    assert set(first["files"]) - found == {"tables/responses.parquet", "tables/responses.csv"}
    assert {"figures/raster.svg", "figures/raster.pdf", "tables/packets.parquet"} <= found


def test_a_table_keeps_types_and_missing_values(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", "b"], "n": [1, 2**40], "p": [np.nan, 0.1 + 0.2], "shown": [True, False]})
    save_tables(tmp_path, {"one": table, "nothing": pd.DataFrame()})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "one.parquet"]
    pd.testing.assert_frame_equal(load_table(tmp_path / "one.parquet"), table)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one.csv"), table)


def test_what_is_no_analysis_is_one_sentence(out: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"there is no file .*results\.json"):
        Analysis.from_folder(tmp_path)
    (tmp_path / "results.json").write_text('{"seeds": [0, 1]}')
    with pytest.raises(FileError, match="holds no analysis of 'trained'"):
        Analysis.from_folder(tmp_path)
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(FileError, match="not readable JSON"):
        Analysis.from_folder(tmp_path)
    (out / "tables" / "units.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FileError, match="not a readable Parquet file"):
        Analysis.from_folder(out)
    with pytest.raises(FileError, match="cannot write tables"):
        save_tables(out / "results.json", {"one": pd.DataFrame({"a": [1]})})


def test_the_analysis_of_a_run_is_read_by_its_condition(analysis: Analysis, tmp_path: Path) -> None:
    (tmp_path / "analysis_untrained.json").write_text(json.dumps(analysis.to_dict()))
    again = Analysis.from_folder(tmp_path, "untrained")
    for name in TABLES:
        pd.testing.assert_frame_equal(again.tables[name], analysis.tables[name], check_dtype=False)


@pytest.mark.parametrize("table", [{"p_value": [0.1]}, [{"p_value": 0.1}, {"q_value": 0.1}], ["p_value"]])
def test_what_is_no_list_of_rows_is_refused(table: object) -> None:
    with pytest.raises(InputError, match="a table is a list of rows"):
        Analysis.from_dict({"units": table, "settings": {}})
