"""How people stand in photos, and freeze when the music stops, in the notation of ``studio.moves``."""

from __future__ import annotations

STANDING = """
relaxed: all, energy 0, whole
    arms  1:down
    feet  1:home
loose: all, energy 0, whole
    arms  1:loose
    lf    1:.2
    rf    1:.2,.06
    hips  1:.05,-.02,0,0,0,-4
hands on hips: all, energy 0, whole
    arms  1:hip
    feet  1:.2
one hand on hip: all, energy 0, whole
    la    1:hip
    ra    1:down
    hips  1:right
    chest 1:2,0,-6
    rf    1:home
    lf    1:.26,.06
arms crossed: all, energy 0, whole
    la    1:-.42,-.32,.38,.35
    ra    1:-.42,-.4,.3,.35
    feet  1:.18
arm up: all, energy 0, whole
    la    1:down
    ra    1:up
    hips  1:left
    lf    1:.2
    rf    1:.24,.05
both arms up: all, energy 0, whole
    arms  1:v
    feet  1:.22
arms wide: all, energy 0, whole
    arms  1:side
    feet  1:.18
a pose: all, energy 0, whole
    arms  1:low_v
    feet  1:.18
power: all, energy 0, whole
    arms  1:flex
    feet  1:wide
    hips  1:dip
guard: all, energy 0, whole
    arms  1:guard
    lf    1:.18,.14
    rf    1:.2,-.14
    chest 1:8,-20
    hips  1:dip
thinking: all, energy 0, whole
    la    1:fold
    ra    1:chin
    feet  1:.16
    head  1:6,8,6
lean: all, energy 0, whole
    arms  1:.3,-.8,-.1
    lf    1:.12
    rf    1:.36,.1,0,20,10
    hips  1:left
    chest 1:0,-12,8
hands clasped: all, energy 0, whole
    arms  1:-.3,-.72,.4,.5
    feet  1:home
hands behind: all, energy 0, whole
    arms  1:.05,-.75,-.35,.7
    feet  1:home
low: all, energy 0, whole
    arms  1:.3,-.5,.4
    feet  1:wide
    hips  1:squat
"""
