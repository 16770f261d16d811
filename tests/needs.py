"""What some tests need and pip cannot install: OpenGL, Chromium, a soundfont, published weights."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

EVERYTHING = "DABFUSION_TEST_EVERYTHING"


def missing(what: str) -> NoReturn:
    """Skips the test that runs; fails it where $DABFUSION_TEST_EVERYTHING says that all is installed, so that nothing
    that broke is taken for something that is not there."""
    if os.environ.get(EVERYTHING):
        pytest.fail(f"{what}, though ${EVERYTHING} is set")
    pytest.skip(what)
