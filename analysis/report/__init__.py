"""Reports: one self-contained HTML file, with figures and, under each, what it shows in words."""

from .content import ComparisonReport, RecordingReport, ReproductionReport, RunReport, ValidationReport
from .pages import build_page
from .write import report_html, save_figures, write_report

__all__ = [
    "ComparisonReport",
    "RecordingReport",
    "ReproductionReport",
    "RunReport",
    "ValidationReport",
    "build_page",
    "report_html",
    "save_figures",
    "write_report",
]
