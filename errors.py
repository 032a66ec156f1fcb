"""Errors that a user can act on: one clear sentence, printed without a traceback by the command line."""

from __future__ import annotations


class SemsyncError(Exception):
    """A problem that the user can mend. The message names what is wrong, where, and what was expected."""


class InputError(SemsyncError, ValueError):
    """A value, array or configuration from the user that cannot be used as it is."""


class FileError(SemsyncError, OSError):
    """A file or folder that is missing, truncated, of another kind, or cannot be written."""


class MissingDependencyError(SemsyncError, ImportError):
    """An optional part (NEST, torch, ...) that this command needs and that is not installed."""
