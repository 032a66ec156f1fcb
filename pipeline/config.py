"""The configuration of a run: presets, a file, and ``--set key=value``, validated once."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import FileError, InputError
from ..models.encoding import LatencyEncoder
from ..models.network import NetworkConfig
from ..models.training import TrainingConfig
from ..network_description import LIFNeuron

Positive = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NeuronConfig(_Section):
    """Leaky integrate-and-fire neuron of all layers but the input."""

    tau_m: Annotated[Positive, Field(description="membrane time constant [ms]")] = 10.0
    tau_syn: Annotated[Positive, Field(description="synaptic time constant [ms]")] = 10.0
    C_m: Annotated[Positive, Field(description="membrane capacitance [pF]")] = 250.0
    E_L: Annotated[float, Field(description="resting potential [mV]")] = 0.0
    V_th: Annotated[float, Field(description="threshold [mV]")] = 20.0

    def to_neuron(self) -> LIFNeuron:
        return LIFNeuron(self.tau_m, self.tau_syn, self.C_m, self.E_L, self.V_th, V_reset=self.E_L)


class SimulationConfig(_Section):
    """The run in NEST."""

    protocol: Annotated[str, Field(description="name of a protocol of semsync.bridge")] = "exact"
    resolution: Annotated[
        Positive | Literal["auto"],
        Field(description="time step h of the kernel [ms]; auto: the largest that can miss no spike, for each trial"),
    ] = "auto"
    trial_duration: Annotated[Positive, Field(description="from stimulus onset to the end of the trial [ms]")] = 60.0
    n_trials: Annotated[int | None, Field(ge=1, description="test samples to simulate; all without")] = None
    n_workers: Annotated[int, Field(ge=1, description="NEST processes at a time")] = 2


class AnalysisConfig(_Section):
    """Statistics of the analysis."""

    n_permutations: Annotated[int, Field(ge=0, description="label permutations for p-values and bias")] = 1000
    min_active_trials: Annotated[
        int, Field(ge=1, description="trials a unit must be active in to have an information gain")
    ] = 10
    n_splits: Annotated[int, Field(ge=2, description="folds of the cross-validated decoding")] = 5
    shuffled_control: Annotated[
        bool, Field(description="also simulate and analyse the trained network with its weights shuffled")
    ] = False


class RunConfig(_Section):
    """All that a run depends on, besides versions and the machine."""

    preset: Annotated[str, Field(description="name of the preset that this came from")] = "custom"
    dataset: Annotated[Literal["digits", "yin-yang", "mnist"], Field(description="data set to learn")]
    seed: Annotated[int, Field(ge=0, description="of initial weights, order, noise and statistics")] = 0
    start: Annotated[
        str | None,
        Field(description="network to begin with, a file or pretrained:NAME; random weights as in `network` without"),
    ] = None
    neuron: NeuronConfig = NeuronConfig()
    encoding: LatencyEncoder = LatencyEncoder()
    network: NetworkConfig
    training: TrainingConfig = TrainingConfig()
    simulation: SimulationConfig = SimulationConfig()
    analysis: AnalysisConfig = AnalysisConfig()

    def training_fingerprint(self) -> str:
        """All that a checkpoint depends on, as text; more epochs may be asked of the same checkpoint.

        Defaults are left out: a key that a later version adds does not part an old checkpoint from its run.
        """
        sections = {"dataset", "seed", "start", "neuron", "encoding", "network", "training"}
        plain = self.model_dump(mode="json", include=sections, exclude_defaults=True)
        plain.get("training", {}).pop("epochs", None)
        return json.dumps(plain, sort_keys=True)


def preset_names() -> list[str]:
    """Names that :func:`load_config` takes."""
    return sorted(p.name.removesuffix(".toml") for p in _preset_folder().iterdir() if p.name.endswith(".toml"))


def load_config(preset: str, settings: Iterable[str] = (), **overrides: Any) -> RunConfig:
    """The configuration of a preset, or of the ``config.json`` of an earlier run.

    Parameters
    ----------
    preset : str
        Name of a preset, or path of a .json or .toml file.
    settings : iterable of str
        ``key=value``, the key with dots (``training.epochs=5``), the value as in TOML; a bare word is a string.
    **overrides
        Top-level keys; None leaves them alone.

    Raises
    ------
    InputError
        On an unknown preset or key, or a value that is not what was expected: the message names all three.
    """
    plain = _read(preset)
    for setting in settings:
        _apply(plain, setting)
    plain.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return RunConfig.model_validate(plain)
    except ValidationError as error:
        raise InputError(describe(error, RunConfig)) from error


def describe(error: ValidationError, model: type[BaseModel]) -> str:
    """One sentence for the first problem that pydantic found."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys are {', '.join(known)}"
        return f"the configuration has no key {where!r}; {hint}"
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if first["type"] == "missing":
        return f"the configuration lacks the key {where!r}"
    return f"configuration key {where!r} is {first['input']!r}: {message}"


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        if isinstance(part, int):
            continue
        annotation: Any = model.model_fields[str(part)].annotation
        # tuple[HiddenLayer, ...] and the like: the model inside.
        for candidate in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return sorted(model.model_fields)


def _preset_folder() -> Any:
    return files(__package__) / "presets"


def _read(preset: str) -> dict[str, Any]:
    path = Path(preset)
    if path.suffix in (".json", ".toml"):
        try:
            text = path.read_text(encoding="utf-8")
            plain = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        except FileNotFoundError:
            raise FileError(f"there is no configuration file {path}") from None
        except (json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise FileError(f"{path} is not a readable {path.suffix[1:].upper()} configuration: {error}") from error
        # The config.json of a run holds versions beside its configuration.
        return plain.get("config", plain) if isinstance(plain, dict) else {}
    if preset not in preset_names():
        close = difflib.get_close_matches(preset, preset_names(), n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(preset_names())}"
        raise InputError(f"there is no preset {preset!r}; {hint}")
    return {**_preset(preset), "preset": preset}


def _preset(name: str) -> dict[str, Any]:
    """A preset, on top of the one that it extends."""
    plain = tomllib.loads((_preset_folder() / f"{name}.toml").read_text(encoding="utf-8"))
    base = plain.pop("extends", None)
    return plain if base is None else _merged(_preset(base), plain)


def _merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """`more` on top of `base`, section by section."""
    result = dict(base)
    for key, value in more.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = _merged(result[key], value) if both else value
    return result


def _apply(plain: dict[str, Any], setting: str) -> None:
    key, equals, text = setting.partition("=")
    if not equals or not key:
        raise InputError(f"--set expects key=value, for example training.epochs=5, got {setting!r}")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *path, last = key.strip().split(".")
    section: Any = plain
    for part in path:
        section = section.setdefault(part, {})
        if not isinstance(section, dict):
            raise InputError(f"the configuration has no section {'.'.join(path)!r} (from --set {setting})")
    section[last] = value
