"""Writes configuration.md, the table of all keys, from the configuration's own definition.

python docs/configuration.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from semsync.pipeline.config import RunConfig, preset_names

HEAD = """# Configuration

A run is configured by a preset ({presets}), by `--set key=value` for any key below, and by `config.json` of an earlier
run in place of a preset. Unknown keys are refused. Defaults are those of the paper; presets change some of them
(`pipeline/presets/`). This page is written by `python docs/configuration.py`.

| key | default | meaning |
|---|---|---|
"""


def model_in(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def rows(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = model_in(field.annotation)
        key = f"{prefix}{name}"
        if inner is not None and field.description is None:
            yield from rows(inner, f"{key}.")
            continue
        default = "" if field.default is PydanticUndefined else f"`{field.default!r}`"
        yield f"| `{key}` | {default} | {field.description or ''} |"
        if inner is not None:
            yield from rows(inner, f"{key}[].")


def page() -> str:
    return HEAD.format(presets=", ".join(f"`{name}`" for name in preset_names())) + "\n".join(rows(RunConfig)) + "\n"


if __name__ == "__main__":
    Path(__file__).with_suffix(".md").write_text(page(), encoding="utf-8")
