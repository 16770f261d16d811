"""Travel near the middle is untouched; nobody leaves the stage; the order of places is kept."""

from __future__ import annotations

import numpy as np

from dabfusion.skeleton import CODE_SIZE, ROTATION_SIZE
from dabfusion.stage_bounds import KNEE, LIMIT, keep_on_stage


def test_travel_is_bounded_only_where_it_leaves() -> None:
    codes = np.random.default_rng(0).normal(size=(201, CODE_SIZE)).astype(np.float32)
    codes[:, ROTATION_SIZE] = np.linspace(-3, 3, 201)
    codes[:, ROTATION_SIZE + 2] = np.linspace(-0.3, 0.3, 201)
    kept = keep_on_stage(codes)
    x = kept[:, ROTATION_SIZE]
    near = np.abs(codes[:, ROTATION_SIZE]) <= KNEE
    assert np.array_equal(x[near], codes[near, ROTATION_SIZE])
    assert np.abs(x).max() <= LIMIT and (np.diff(x) >= 0).all()
    assert np.array_equal(np.delete(kept, ROTATION_SIZE, 1), np.delete(codes, ROTATION_SIZE, 1))
