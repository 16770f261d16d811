"""Makes a folder of packed dances.

    python -m dabfusion.training.build_dances --out dances --count 3000 --songs songs/ --takes motion/ --processes 2

Dance n of a folder is always the same dance; packs that are already there are kept, so a stopped build goes on.
"""

from __future__ import annotations

import argparse
import logging
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from dabfusion.config import AUTO_STYLE, STYLES
from dabfusion.studio.chain import standing, take_style, trimmed
from dabfusion.studio.dance import CAPTURED_STYLE, Dance, chained_dance, sample_dance
from dabfusion.studio.motion import Motion, load_takes

from .build_songs import HeardSong, read_songs
from .dance_data import HELD_OUT_EVERY, PackedDance, is_held_out, pack_dance, style_number, write_pack
from .packs import build_packs

log = logging.getLogger(__name__)
SECONDS = 20.0
PACK = 100
#: Share of the dances that are chained from short takes, where there are some.
CHAINED_SHARE = 0.1
#: Share of the authored dances to heard songs whose genre is not the song's: what the style says must not follow from
#: the music.
OTHER_STYLE = 0.5
#: Share of the authored dances to heard songs that take place around a break, where the song has one.
BREAK_SHARE = 0.5
_ATTEMPTS = 20


@dataclass(frozen=True)
class Sources:
    """Where dances come from.

    Attributes:
        takes: folder of captured takes, or None: everything is authored.
        songs: folder of heard songs (:mod:`.build_songs`), or None.
        heard: share of the dances that go to a heard song, where there are some; the others get stand-in features.
        sounding: share of the other dances whose song is rendered and heard for them alone.
    """

    takes: Path | None = None
    songs: Path | None = None
    heard: float = 0.7
    sounding: float = 0.0


class DanceMaker:
    """Makes the dances of a folder one by one."""

    def __init__(self, sources: Sources) -> None:
        takes = load_takes(sources.takes) if sources.takes else ()
        self.sources = sources
        self.long = [take for take in takes if take_style(take.name) == CAPTURED_STYLE]
        self.short: dict[tuple[str, bool], list[Motion]] = {}
        for take in takes:
            if take_style(take.name) != CAPTURED_STYLE and standing(trimmed(take)):
                self.short.setdefault((take_style(take.name), is_held_out(take.name)), []).append(take)
        songs = read_songs(sources.songs) if sources.songs else []
        # Dances for measuring only are danced to songs for measuring only.
        self.songs_for = {held: [s for s in songs if (s.plan.seed % HELD_OUT_EVERY == 0) == held] for held in (0, 1)}

    def make(self, seed: int) -> PackedDance:
        """The dance of a seed."""
        rng = np.random.default_rng([seed, 41])
        if not self.songs_for[seed % HELD_OUT_EVERY == 0] or rng.random() >= self.sources.heard:
            sounding = rng.random() < self.sources.sounding
            return pack_dance(sample_dance(seed, seconds=SECONDS, takes=self.long, with_audio=sounding), seed)
        songs = self.songs_for[seed % HELD_OUT_EVERY == 0]
        song = songs[rng.integers(len(songs))]
        chained = bool(self.short) and rng.random() < CHAINED_SHARE
        style = _style(song, rng)
        broken = None if chained or style == CAPTURED_STYLE else rng.random() < BREAK_SHARE
        start = _place(song, broken, rng)
        where = song.start + start
        dance = self._chained(seed, song, where, rng) if chained else None
        if dance is None:
            dance = sample_dance(seed, seconds=SECONDS, style=style, takes=self.long, song=song.plan, start=where)
            return pack_dance(dance, seed, (song, start))
        # Captured people of a genre do not dance what is authored for it: the model is told no style.
        return replace(pack_dance(dance, seed, (song, start)), style=style_number(AUTO_STYLE))

    def _chained(self, seed: int, song: HeardSong, where: float, rng: np.random.Generator) -> Dance | None:
        """A dance of short takes, or None where those drawn do not fit the song's tempo."""
        takes = list(self.short.values())[rng.integers(len(self.short))]
        try:
            return chained_dance(seed, seconds=SECONDS, takes=takes, song=song.plan, start=where)
        except ValueError as error:
            log.info("%s", error)
            return None


def _style(song: HeardSong, rng: np.random.Generator) -> str:
    """What is danced to a song: often the song's genre, else any that is authored."""
    if song.plan.style == CAPTURED_STYLE or rng.random() >= OTHER_STYLE:
        return song.plan.style
    return STYLES[rng.integers(STYLES.index(CAPTURED_STYLE))]


def _place(song: HeardSong, broken: bool | None, rng: np.random.Generator) -> float:
    """Where in a song's piece a dance begins, seconds; ``broken``: around a break, if there is one (True), anywhere
    (False), or away from breaks, in which captured dancers would not stop (None)."""
    for _ in range(_ATTEMPTS):
        start = float(rng.uniform(0, max(song.seconds - SECONDS, 0.0)))
        silent = song.plan.energy(song.start + start + np.arange(0, SECONDS, 0.1)).min() <= 0
        if broken is False or silent == bool(broken):
            break
    return start


def build_pack(number: int, out: Path, seed: int, sources: Sources) -> Path:
    """Makes pack ``number`` (:data:`PACK` dances) unless it is there; returns its path."""
    path = out / f"dances_{seed:03d}_{number:04d}.npz"
    if not path.exists():
        maker = DanceMaker(sources)
        write_pack(path, [maker.make(seed * 1_000_000 + k) for k in range(number * PACK, (number + 1) * PACK)])
    return path


def build_dances(out: Path, count: int, sources: Sources, seed: int = 0, processes: int = 1) -> list[Path]:
    """Writes packs of dances to ``out`` until there are at least ``count`` dances; returns their paths."""
    return build_packs(partial(build_pack, out=out, seed=seed, sources=sources), count, PACK, processes)


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the packs")
    parser.add_argument("--count", type=int, default=3000, help="number of dances of 20 s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--takes", type=Path, help="folder of captured takes; without it every dance is authored")
    parser.add_argument("--songs", type=Path, help="folder of heard songs to dance to (build_songs)")
    parser.add_argument("--heard", type=float, default=Sources.heard, help="share of dances to heard songs, 0 to 1")
    parser.add_argument("--sounding", type=float, default=0.0, help="share of dances whose song is rendered, 0 to 1")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    sources = Sources(args.takes, args.songs, args.heard, args.sounding)
    build_dances(args.out, args.count, sources, args.seed, args.processes)


if __name__ == "__main__":
    main()
