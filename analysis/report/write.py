"""Reports and figures as files."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from ...errors import FileError
from ..figures import figure_of, render
from ..figures.style import FULL_WIDTH_MM
from .content import ComparisonReport, RecordingReport, ReproductionReport, RunReport, ValidationReport
from .pages import build_page
from .section import Drawing, Page

Report = RunReport | RecordingReport | ReproductionReport | ValidationReport | ComparisonReport | Page
_MAX_SVG_BYTES = 1_000_000  # a larger one is drawn by the browser more slowly than an image


def write_report(path: str | Path, content: Report) -> Path:
    """Write a report as one HTML file that needs no other.

    Parameters
    ----------
    path : path
        An existing file is replaced once the new one is complete.
    content : RunReport, RecordingReport, ReproductionReport, ValidationReport or ComparisonReport
        Or the :class:`Page` that `build_page` made of one.

    Returns
    -------
    Path

    Raises
    ------
    FileError
        When the file cannot be written.
    """
    path = Path(path)
    text = report_html(content)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise FileError(f"cannot write the report {path}: {error.strerror or error}") from error
    return path


def report_html(content: Report) -> str:
    """The HTML of a report."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": _data_uri, "width": _width, "keep_together": _keep_together}
    return environment.get_template("report.html.j2").render(page=_page(content))


def save_figures(folder: str | Path, content: Report, *, formats: tuple[str, ...] = ("svg", "pdf")) -> list[Path]:
    """Write every figure of a report as a file of its own, text left as text.

    Parameters
    ----------
    folder : path
        Made if it does not exist.
    content : RunReport, RecordingReport, ReproductionReport, ValidationReport or ComparisonReport
        Or the :class:`Page` that `build_page` made of one.
    formats : tuple of {"svg", "pdf", "png"}

    Raises
    ------
    FileError
        When a file cannot be written.
    """
    folder = Path(folder)
    drawings = [drawing for section in _page(content).sections for drawing in section.drawings]
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for drawing in drawings:
            for file_format in formats:
                path = folder / f"{drawing.name}.{file_format}"
                partial = path.with_name(path.name + ".partial")
                partial.write_bytes(render(drawing.axes, file_format, editable_text=True))
                written.append(partial.replace(path))
    except OSError as error:
        raise FileError(f"cannot write figures to {folder}: {error.strerror or error}") from error
    return written


def _page(content: Report) -> Page:
    return content if isinstance(content, Page) else build_page(content)


def _width(drawing: Drawing) -> int:
    """Of the page [%], so that letters are of one size in all figures."""
    inches = figure_of(drawing.axes).get_figwidth()
    return min(100, round(100 * inches * 25.4 / FULL_WIDTH_MM))


def _keep_together(text: str) -> str:
    """Unbreakable spaces between a number, its error and its unit."""
    return re.sub(r"(?<=\d) (?=±|%|ms\b)|(?<=±) ", "\u00a0", text)


def _data_uri(drawing: Drawing) -> str:
    kind, content = "svg+xml", render(drawing.axes, "svg")
    if len(content) > _MAX_SVG_BYTES:
        kind, content = "png", render(drawing.axes, "png")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
