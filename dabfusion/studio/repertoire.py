"""All that the dancers know: the moves, and the poses in which they stand."""

from __future__ import annotations

from dabfusion.studio.moves import Move, parse_moves
from dabfusion.studio.moves_jazz import JAZZ
from dabfusion.studio.moves_street import STREET
from dabfusion.studio.poses import STANDING

MOVES: tuple[Move, ...] = parse_moves(STREET) + parse_moves(JAZZ)
#: Where a dancer stands in a photo, or freezes when the music stops: one key a layer, on count 1.
POSES: tuple[Move, ...] = parse_moves(STANDING)
