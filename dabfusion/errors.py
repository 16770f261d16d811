"""Errors that a user can do something about.

Everything that the command line and the page report as one plain sentence derives from :class:`UserError`
(or from :class:`preprocess.errors.PhotoError`, its counterpart in the photo stage). Any other exception is a bug.
"""

from __future__ import annotations


class UserError(ValueError):
    """Bad input or a missing piece; the message is one plain sentence that says what to do next."""


class SongError(UserError):
    """The song cannot be used: unreadable, empty, silent where sound is needed, too long."""


class OptionError(UserError):
    """A generation option is out of its range."""


class CheckpointError(UserError):
    """A checkpoint folder is missing, incomplete, or does not fit the code."""


class VideoError(UserError):
    """The video cannot be written or read."""


class Cancelled(Exception):
    """The caller asked to stop; nothing is left behind."""
