"""``evaluate paper``: the protocols of DabFusion's Tables 1 to 7 as whole runs on Studio's held-out split.

Each table is a report of its own, with its ground truth in rows beside ours; ``paper.md`` leads to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from .clip_rows import sound_of, to_songs
from .clip_score import CLIP_FOLDER
from .dancers import CHAINED_CODES, CHAINED_PIXELS, NO_BEATS, OURS, STYLE_ONLY
from .first_to_last import DISTANCES, jackknifed, paired_changes
from .instruments import Instruments
from .made_once import put_text
from .paper_rows import IDENTITY_RATE, REFERENCE_RATE, SAME_REFERENCE, WINDOWS, PaperRows, Piece
from .paper_sets import CAMERAS, EIGHTY, FORTY, FPS, LONG, VIEWS, PaperSets
from .plots import plot_bars, plot_lines
from .report import Reading, Report, Row, mean_row
from .studio_pictures import plot_styles
from .studio_truth import TRUTH
from .style_shares import NEED, kept_shares
from .tables import PROTOCOLS

COMMAND = "python -m dabfusion evaluate paper --avatars AVATARS --motion TAKES --weights WEIGHTS"
NAMES = {TRUTH: "ground truth", OURS: "ours"}
LONG_WAYS = {
    OURS: "windows, one start frame (ours)",
    CHAINED_CODES: "chained by the last pose",
    CHAINED_PIXELS: "chained by the last drawn frame (the paper's way)",
}
RECOGNISED = "style recognised"
_COUNTS = ("samples of 16", "samples of 40")
#: Measures that only our own run of a table has.
_ALSO: dict[int, tuple[str, ...]] = {4: (RECOGNISED,), 7: tuple(f"{name} {SAME_REFERENCE}" for name in DISTANCES)}


@dataclass(frozen=True)
class Table:
    """A table as it was measured: its rows, the single clips', and sentences to read it by."""

    rows: Sequence[Row]
    clips: Sequence[Row]
    notes: Sequence[str] = ()


def write_paper(numbers: Sequence[int], sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Path:
    """Measures the tables, each written as soon as it is done, and the index.

    Args:
        numbers: which of 1 to 7; the index keeps what earlier runs wrote of the others.
        sets: the videos.
        tools: the measuring networks.
        measured: measures the sets.
        out: gets table_N.md, .json and plots, and paper.md.

    Returns:
        The index.
    """
    for number in numbers:
        made = TABLES[number](sets, tools, measured, out)
        protocol = PROTOCOLS[number]
        wanted = (*protocol.measures, *_COUNTS, *_ALSO.get(number, ()))
        settings: dict[str, object] = {
            "rebuilt by": f"`{COMMAND} {_options(sets)} --tables {number} --out FOLDER`",
            "data": "Studio, held-out split (not AIST++): people, takes, dances and songs that training did not have",
            "protocol": f"DabFusion, Table {number}",
            **sets.settings(),
            **sampling(sets),
        }
        rows = [_shown(row, wanted) for row in made.rows]
        report = Report(f"Table {number}: {protocol.title}", settings, rows, made.clips, made.notes)
        report.write(out, f"table_{number}")
    index = out / "paper.md"
    put_text(index, _index(out))
    return index


def _options(sets: PaperSets) -> str:
    plan = sets.plan
    return (
        f"--clips {plan.clips} --camera-dances {plan.camera_dances} --long-clips {plan.long_clips} --seed {plan.seed}"
    )  # fmt: skip


def sampling(sets: PaperSets) -> dict[str, object]:
    """At which moments the measures look."""
    return {
        "FVD": "of " + ", ".join(f"{n} window{'s' * (n > 1)} of {length} frames" for length, n in WINDOWS.items())
        + f" from every {sets.plan.frames} frames at {FPS} frames a second; 'half against half' is every other dance "
        "against the ground truth of those in between, so that no dance is in both. Few samples bias FVD upwards: "
        "compare rows with equally many",
        "SSIM, PSNR, LPIPS": f"{REFERENCE_RATE:g} frames a second, never the first, which is given, against the ground "
        "truth at the same time",
        "identity of": f"{IDENTITY_RATE:g} frames a second, with the clip's first",
        "beats": "the song's true grid",
    }  # fmt: skip


def _shown(row: Row, wanted: Sequence[str]) -> Row:
    clip = Reading(None, f"{CLIP_FOLDER}/ (CLIP) and Wav2CLIP.pt")
    readings = {name: row.readings.get(name, clip if name == "CLIP score" else Reading(None)) for name in wanted}
    return Row(row.name, readings, row.count)


def _both(measured: PaperRows, name: str, ways: Sequence[str], labels: dict[str, str] = NAMES) -> list[Row]:
    """Ground truth and ways of a set, each whole and half against half."""
    rows = []
    for way in (TRUTH, *ways):
        label = labels.get(way, NAMES.get(way, way))
        rows += [measured.mean(label, name, way), measured.halves(f"{label}, half against half", name, way)]
    return rows


def _clips(measured: PaperRows, name: str, ways: Sequence[str], piece: Piece | None = None) -> list[Row]:
    """Every clip of a set, danced in the ways."""
    return [
        replace(row, name=f"{row.name}: {NAMES.get(way, way)}", over_time={})
        for way in ways
        for row in measured.rows(name, way, piece)
    ]


def _quality(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    return Table(_both(measured, FORTY, [OURS]), _clips(measured, FORTY, (TRUTH, OURS)))


def _by_camera(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    rows = _both(measured, CAMERAS, [OURS])
    clips = sets.truth(CAMERAS)
    for way in (OURS, TRUTH):
        for k, angle in enumerate(VIEWS):
            chosen = [n for n, clip in enumerate(clips) if clip.camera == angle]
            rows.append(measured.mean(f"c{k + 1:02d}, {angle:g} degrees, {NAMES[way]}", CAMERAS, way, chosen=chosen))
    note = (
        f"The same {sets.plan.camera_dances} dances from nine cameras, evenly around the dancer, 40 degrees apart; the "
        "start frame is seen from there, too (AIST++ has nine fixed cameras of its own). FVD of a single camera stands "
        "on very few samples: it orders cameras at best."
    )
    return Table(rows, _clips(measured, CAMERAS, (TRUTH, OURS)), [note])


def _alignment(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    rows = [measured.mean(NAMES[way], FORTY, way) for way in (TRUTH, OURS)]
    rows += [_shuffled(sets, tools, way) for way in (TRUTH, OURS)]
    note = "Songs shuffled: each video measured to the song of every other one, and the mean taken: chance."
    return Table(rows, _clips(measured, FORTY, (TRUTH, OURS)), [note])


def _shuffled(sets: PaperSets, tools: Instruments, way: str) -> Row:
    """The videos of a way, each to the songs of all others."""
    taken = [sets.take(FORTY, way, clip) for clip in sets.truth(FORTY)]
    sounds = [sound_of(one.real) for one in taken]
    rows = [to_songs(one.clip, sounds[:k] + sounds[k + 1 :], tools) for k, one in enumerate(taken) if len(taken) > 1]
    return Row(f"{NAMES[way]}, songs shuffled", mean_row("", rows).readings if rows else {}, len(rows))


def _by_style(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    styles = [clip.style for clip in sets.truth(FORTY)]
    rows = []
    for style in dict.fromkeys(styles):
        chosen = [k for k, one in enumerate(styles) if one == style]
        here = [measured.mean(f"{style}, {NAMES[way]}", FORTY, way, chosen=chosen) for way in (OURS, TRUTH)]
        seen = _recognised(sets, tools, f"generated, {style}")
        rows += [replace(here[0], readings={**here[0].readings, RECOGNISED: seen}), here[1]]
    rows += [measured.mean(f"all, {NAMES[way]}", FORTY, way) for way in (OURS, TRUTH)]
    out.mkdir(parents=True, exist_ok=True)
    plot_styles(out / "table_4_styles.png", styles, measured.rows(FORTY, TRUTH), measured.rows(FORTY, OURS))
    notes = [
        "The ten genres of AIST++ and salsa, which is captured. Ours danced to the song alone, without being told the "
        "style. FVD of a single style stands on very few samples.",
        "Style recognised: by a classifier trained on ground truth, in other dances that were asked for the style; "
        "chance is 0.1, and it does not know salsa (report `style`).",
        "![by style](table_4_styles.png)",
    ]
    return Table(rows, _clips(measured, FORTY, (TRUTH, OURS)), notes)


def _recognised(sets: PaperSets, tools: Instruments, name: str) -> Reading:
    shares = kept_shares(sets.checkpoint, tools.cache)
    return Reading(shares.get(name)) if shares else Reading(None, NEED)


def _by_frames(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    rows = _both(measured, FORTY, [OURS], {way: f"{label}, 40 frames" for way, label in NAMES.items()})
    whole = Piece(0, 2 * sets.plan.frames)
    for way in (TRUTH, OURS):
        label = f"{NAMES[way]}, 80 frames"
        rows.append(measured.mean(label, EIGHTY, way, whole))
        rows.append(measured.halves(f"{label}, half against half", EIGHTY, way, whole))
    note = (
        "80 frames: half as many clips, the same dances for longer, so that FVD has as many samples. The paper trains "
        "a model for each length; ours is one model for any."
    )
    return Table(rows, _clips(measured, EIGHTY, (TRUTH, OURS), whole), [note])


def _by_hearing(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    labels = {
        OURS: "with beats: music (beats and rhythm)",
        NO_BEATS: "without beats: music (rhythm alone)",
        STYLE_ONLY: "style alone: no music, the style's name",
    }
    rows = _both(measured, FORTY, [OURS, NO_BEATS, STYLE_ONLY], labels)
    notes = [
        "Without beats: the same model with its beats tower zeroed. It was not trained without, so this shows how much "
        "it leans on the beats, not what a model without them could learn.",
        "Music against text: the paper replaces its music embedding by CLAP's of a text. CLAP's weights are not part "
        "of this project, so the nearest honest thing stands here: the music hidden (as in part of training) and the "
        "true style's name told.",
    ]
    known = {row.name: row.readings["beat advantage"].value for row in rows if "beat advantage" in row.readings}
    plot_bars(out / "table_6_hearing.png", "beat advantage",
              {name.split(":")[0]: value for name, value in known.items() if value is not None})  # fmt: skip
    return Table(rows, _clips(measured, FORTY, (OURS, NO_BEATS, STYLE_ONLY)),
                 [*notes, "![beat advantage](table_6_hearing.png)"])  # fmt: skip


def _by_length(sets: PaperSets, tools: Instruments, measured: PaperRows, out: Path) -> Table:
    rows: list[Row] = []
    clips: list[Row] = []
    each = sets.plan.frames
    lengths = [each * k for k in (1, 2, 3, 4)]
    pieces = [Piece(length - each, each) for length in lengths]
    curves: dict[str, dict[str, list[float]]] = {"identity": {}, "FVD-16": {}, "beat advantage": {}}
    for way, label in {**LONG_WAYS, TRUTH: "ground truth"}.items():
        for length, piece in zip(lengths, pieces, strict=True):
            row = measured.mean(f"{label}, {length}", LONG, way, piece)
            same = measured.same_reference(LONG, way, piece, pieces)
            rows.append(replace(row, readings={**row.readings, **same}))
            clips += [replace(r, name=f"{r.name}, {length}") for r in _clips(measured, LONG, (way,), piece)]
            for measure, lines in curves.items():
                value = row.readings.get(measure, Reading(None)).value
                lines.setdefault(label, []).append(float("nan") if value is None else value)
    rows += [measured.halves(f"ground truth, {length}, half against half", LONG, TRUTH, piece)
             for length, piece in zip(lengths, pieces, strict=True)]  # fmt: skip
    for measure, lines in curves.items():
        plot_lines(out / f"table_7_{measure.split('-')[0].split()[0].lower()}.png", measure, "frames", lengths, lines)
    notes = [
        f"Each row looks at the last {each} frames of its length: at what has become of the dancer by then, with as "
        "many samples at every length. Chained pieces are as long.",
        "Chained by the last drawn frame: read, danced and drawn anew from pixels that were drawn already. It keeps "
        "the drawn matte and the clean plate, which the paper's system does not have. Chained by the last pose: only "
        "the pose is handed on, every frame is drawn from the one start frame.",
        f"FVD {SAME_REFERENCE}: to the ground truth of all four pieces. Real dances spread out from their first frame, "
        "which makes later pieces differ more from one another (the halves' rows) and from whatever is compared with "
        "them; this column compares early and late pieces with the same real clips.",
        *_first_to_last(measured, len(sets.truth(LONG)), pieces),
        "![identity](table_7_identity.png) ![FVD](table_7_fvd.png) ![beat advantage](table_7_beat.png)",
    ]
    return Table(rows, clips, notes)


def _first_to_last(measured: PaperRows, count: int, pieces: Sequence[Piece]) -> list[str]:
    """A sentence for each way: what changes from the first of a length's pieces to the last, with standard errors."""
    first, last = pieces[0], pieces[-1]
    truth = (measured.rows(LONG, TRUTH, first), measured.rows(LONG, TRUTH, last))
    sentences = []
    for way, label in LONG_WAYS.items():
        phrases = paired_changes(measured.rows(LONG, way, first), measured.rows(LONG, way, last), truth)
        for measure in DISTANCES:
            for named, distance in (
                (measure, partial(_own, measured, way, measure)),
                (f"{measure} {SAME_REFERENCE}", partial(_to_all, measured, way, measure, pieces)),
            ):
                change = jackknifed(partial(_later, distance, first, last), count)
                phrases += [f"{named} {change}"] if change else []
        if phrases:
            sentences.append(
                f"From the first {first.count} frames to the last, with standard errors (clip by clip; FVD by leaving "
                f"out each clip in turn), {label}: {'; '.join(phrases)}."
            )
    return sentences


def _own(measured: PaperRows, way: str, measure: str, piece: Piece, chosen: list[int]) -> float | None:
    """A distance of the chosen long clips' piece to its own ground truth."""
    return measured.mean("", LONG, way, piece, chosen).readings[measure].value


def _to_all(
    measured: PaperRows, way: str, measure: str, pieces: Sequence[Piece], piece: Piece, chosen: list[int]
) -> float | None:  # fmt: skip
    """... to the ground truth of all pieces."""
    return measured.same_reference(LONG, way, piece, pieces, chosen)[f"{measure} {SAME_REFERENCE}"].value


def _later(
    distance: Callable[[Piece, list[int]], float | None], first: Piece, last: Piece, chosen: list[int]
) -> float | None:  # fmt: skip
    """By how much a distance is larger in the last piece than in the first."""
    before, after = distance(first, chosen), distance(last, chosen)
    return None if before is None or after is None else after - before


#: How each table is measured.
TABLES: dict[int, Callable[[PaperSets, Instruments, PaperRows, Path], Table]] = {
    1: _quality, 2: _by_camera, 3: _alignment, 4: _by_style, 5: _by_frames, 6: _by_hearing, 7: _by_length,
}  # fmt: skip


def _index(out: Path) -> str:
    """What there is, with the summary table of each (every clip's figures stay in the tables' own files)."""
    lines = ["# The paper's protocols, on Studio's held-out split", ""]
    lines += ["The tables of DabFusion (Wang et al., arXiv 2405.09266), measured on Studio instead of AIST++: compare "
              "the rows of a table with one another, not with the paper's figures.", ""]  # fmt: skip
    for number, protocol in PROTOCOLS.items():
        path = out / f"table_{number}.md"
        if not path.is_file():
            lines += [f"## Table {number}: {protocol.title}", "", "Not measured yet.", ""]
            continue
        text = path.read_text(encoding="utf-8")
        summary = text[text.index("\n| |") + 1 :].split("\n\n")[0]
        lines += [f"## [Table {number}: {protocol.title}](table_{number}.md)", "", summary, ""]
    return "\n".join(lines)
