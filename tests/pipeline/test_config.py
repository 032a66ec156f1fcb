"""Configurations: every preset is valid, and every mistake is one sentence."""

from __future__ import annotations

import json

import pytest

from semsync.errors import FileError, InputError
from semsync.pipeline.config import load_config, preset_names


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_valid_and_repeatable(name, tmp_path):
    config = load_config(name)
    assert config.preset == name
    path = tmp_path / "config.json"
    path.write_text(config.model_dump_json())
    assert load_config(str(path)) == config


def test_set_reaches_nested_keys_and_parses_values():
    config = load_config("digits", ["training.epochs=7", "network.dale=false", "encoding.background=silent"], seed=3)
    assert (config.training.epochs, config.network.dale, config.seed) == (7, False, 3)
    assert config.encoding.background == "silent"


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("training.epoch=1", "no key 'training.epoch'; did you mean 'epochs'"),
        ("nonsense=1", "no key 'nonsense'; known keys are"),
        ("training.epochs=many", "'training.epochs' is 'many'"),
        ("training.learning_rate=-1", "'training.learning_rate' is -1: input should be greater than 0"),
        ("encoding.t_early=30", "t_late must be later than t_early"),
        ("dataset=imagenet", "'dataset' is 'imagenet': input should be 'digits', 'yin-yang' or 'mnist'"),
        ("training.epochs", "expects key=value"),
        ("seed.deep=1", "no section 'seed'"),
    ],
)
def test_mistakes_are_one_sentence(setting, sentence):
    with pytest.raises(InputError) as error:
        load_config("digits", [setting] if setting != "seed.deep=1" else ["seed=1", setting])
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_preset_and_files():
    with pytest.raises(InputError, match="no preset 'digit'; did you mean 'digits'"):
        load_config("digit")
    with pytest.raises(FileError, match="no configuration file"):
        load_config("missing.json")


def test_truncated_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"dataset": "digits"})[:-3])
    with pytest.raises(FileError, match="not a readable JSON configuration"):
        load_config(str(path))


def test_file_without_a_needed_key(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"dataset": "digits"}))
    with pytest.raises(InputError, match="lacks the key 'network'"):
        load_config(str(path))
