"""One place where failures become sentences for the page."""

from __future__ import annotations

import logging
from concurrent.futures import CancelledError

from preprocess.errors import PhotoError

from ..errors import Cancelled, UserError

log = logging.getLogger(__name__)


def sentence(error: BaseException) -> str:
    """What to tell the user: the error's own sentence if it was made for users, else that it is our fault.

    Anything unexpected is logged by type and place only, never with its message, which could hold a file name.
    """
    if isinstance(error, UserError | PhotoError):
        return str(error)
    if isinstance(error, Cancelled | CancelledError):
        return "Stopped. Nothing was kept."
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    log.error("unexpected %s at %s", type(error).__name__, where)
    return "Something went wrong on our side. Please try again, perhaps with another photo or song."
