"""Errors of the photo stage that a user can do something about."""

from __future__ import annotations


class PhotoError(ValueError):
    """The photo (or the choice made on it) cannot be used; the message is one plain sentence that says what to do."""


class WeightsError(PhotoError):
    """A weight file of the photo stage is missing or not the one that was published."""
