"""Makes a folder of packed dances.

    python -m dabfusion.training.build_dances --out dances --count 3000 --takes motion/ --processes 2

Dance n of a folder is always the same dance; packs that are already there are kept, so a stopped build goes on.
"""

from __future__ import annotations

import argparse
import logging
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from dabfusion.studio.dance import sample_dance
from dabfusion.studio.motion import load_takes

from .dance_data import PackedDance, pack_dance, write_pack

log = logging.getLogger(__name__)
SECONDS = 20.0
PACK = 100


def build_pack(number: int, out: Path, seed: int, takes_folder: Path | None, sounding: float) -> Path:
    """Makes pack ``number`` (:data:`PACK` dances) unless it is there; returns its path.

    ``sounding`` is the share of dances whose song is rendered and heard; the others get stand-in rhythm features.
    """
    path = out / f"dances_{seed:03d}_{number:04d}.npz"
    if path.exists():
        return path
    takes = load_takes(takes_folder) if takes_folder else None
    dances: list[PackedDance] = []
    for k in range(number * PACK, (number + 1) * PACK):
        of_all = seed * 1_000_000 + k
        with_audio = (k % 100) < 100 * sounding
        dances.append(pack_dance(sample_dance(of_all, seconds=SECONDS, takes=takes, with_audio=with_audio), of_all))
    write_pack(path, dances)
    return path


def build_dances(
    out: Path, count: int, seed: int = 0, takes_folder: Path | None = None, sounding: float = 0.0, processes: int = 1
) -> list[Path]:
    """Writes packs of dances to ``out`` until there are at least ``count`` dances; returns their paths."""
    numbers = range(-(-count // PACK))
    work = partial(build_pack, out=out, seed=seed, takes_folder=takes_folder, sounding=sounding)
    if processes == 1:
        return [_logged(work(n)) for n in numbers]
    with ProcessPoolExecutor(processes) as pool:
        return [_logged(path) for path in pool.map(work, numbers)]


def _logged(path: Path) -> Path:
    log.info("%s", path)
    return path


def main(arguments: list[str] | None = None) -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for the packs")
    parser.add_argument("--count", type=int, default=3000, help="number of dances of 20 s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--takes", type=Path, help="folder of captured takes; without it every dance is authored")
    parser.add_argument("--sounding", type=float, default=0.0, help="share of dances whose song is rendered, 0 to 1")
    parser.add_argument("--processes", type=int, default=1)
    args = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    build_dances(args.out, args.count, args.seed, args.takes, args.sounding, args.processes)


if __name__ == "__main__":
    main()
