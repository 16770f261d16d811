"""Is the style seen? A small classifier of the ten genres on 4 s of movement, trained on Studio's ground truth.

It looks at the points of one average body, turned so that the window's first frame faces the viewer: neither who dances
nor where they face can tell it the genre. It is trained anew, with a fixed seed, from dances that Studio makes up
(about two minutes on one core), and tested on dances of other seeds. All at once::

    report = measure_style_recognition(checkpoint_folder, out_folder)   # writes confusion.png; the report is yours
    report.write(out_folder, "style")

or step by step: :func:`train_judge`, :func:`judge_truth`, :func:`judge_codes`, :func:`recognition_report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from dabfusion.config import CODE_FPS, VIDEO_FPS
from dabfusion.flow_diffusion.mean_body import mean_body
from dabfusion.skeleton import NUM_POINTS, encode_pose, forward_kinematics
from dabfusion.studio.dance import sample_dance

from .heard_dances import GENRES, Dancer, Progress, heard_features, held_out_songs, load_dance_model, quiet, start_pose
from .report import Reading, Report, Row

WINDOW_SECONDS = 4.0
WINDOW = round(WINDOW_SECONDS * CODE_FPS)
#: Seeds of the dances that the judge learns from, and of those that it is tested on; training has neither.
TRAIN_SEED, TEST_SEED = 70_000_000, 80_000_000
#: The photo's pose and the way out of it say nothing of the genre: seconds left out at the start of a dance.
LEFT_OUT = 1.5
#: Length of the generated dances that are judged, seconds.
DANCE_SECONDS = 18.0


class StyleJudge(nn.Module):
    """Windows of points (B, 60, 72) to the logits of the genres (B, 10)."""

    def __init__(self, channels: int = 96) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(144, channels, 5, padding=2), nn.GELU(), nn.MaxPool1d(2),
            nn.Conv1d(channels, channels, 5, padding=2), nn.GELU(), nn.MaxPool1d(2),
            nn.Conv1d(channels, channels, 5, padding=2), nn.GELU(),
        )  # fmt: skip
        self.drop = nn.Dropout(0.3)
        self.leave = nn.Linear(2 * channels, len(GENRES))

    def forward(self, points: Tensor) -> Tensor:
        speed = torch.diff(points, dim=1, prepend=points[:, :1]) * (CODE_FPS / 3)
        h = self.layers(torch.cat([points, speed], -1).transpose(1, 2))  # (B, channels, 15)
        return self.leave(self.drop(torch.cat([h.mean(-1), h.amax(-1)], -1)))


@dataclass(frozen=True)
class Recognition:
    """What the judge said: ``asked`` and ``seen`` are (N,) numbers in GENRES, one a window."""

    asked: np.ndarray
    seen: np.ndarray

    @property
    def accuracy(self) -> float:
        """Share of windows whose genre is recognised; chance is 0.1."""
        return float((self.asked == self.seen).mean()) if len(self.asked) else 0.0

    @property
    def confusion(self) -> np.ndarray:
        """(10, 10): share of windows of the asked genre (row) that were taken for each genre (column)."""
        counts = np.zeros((len(GENRES), len(GENRES)))
        np.add.at(counts, (self.asked, self.seen), 1)
        return counts / counts.sum(1, keepdims=True).clip(1)


def judged_windows(codes: np.ndarray, fps: float) -> Tensor:
    """A dance (F, 117) cut into windows for the judge: (N, 60, 72), each faced and centred by its first frame.

    Windows follow one another from :data:`LEFT_OUT` seconds on; N is 0 for a dance that is too short.
    """
    at = np.arange(LEFT_OUT, len(codes) / fps, 1 / CODE_FPS)
    kept = codes[np.minimum(np.round(at * fps).astype(int), len(codes) - 1)]
    count = len(kept) // WINDOW
    points = forward_kinematics(torch.from_numpy(kept[: count * WINDOW]).float(), mean_body(), torch.zeros(3))
    return faced(points.reshape(count, WINDOW, NUM_POINTS, 3)).flatten(2)


def faced(windows: Tensor) -> Tensor:
    """Windows of points (N, T, 24, 3), each turned and moved so that its first frame faces the viewer in the middle."""
    across = windows[:, 0, 13] - windows[:, 0, 16]  # from the right hip to the left one
    angle = torch.atan2(across[:, 2], across[:, 0])
    c, s = angle.cos(), angle.sin()
    zero, one = torch.zeros_like(c), torch.ones_like(c)
    turn = torch.stack([c, zero, s, zero, one, zero, -s, zero, c], -1).reshape(-1, 1, 3, 3)
    return (windows - windows[:, :1, :1] * torch.tensor([1.0, 0.0, 1.0])) @ turn.transpose(-1, -2)


def truth_dances(first_seed: int, count: int, seconds: float = 20.0) -> list[tuple[int, np.ndarray]]:
    """``count`` ground-truth dances, the genres in turn: number of the genre and codes (F, 117) at 30 fps."""
    made = []
    for k in range(count):
        genre = k % len(GENRES)
        dance = sample_dance(first_seed + k, seconds=seconds, style=GENRES[genre])
        made.append((genre, encode_pose(dance.rotation, dance.root - dance.root[0])))
    return made


def _tensors(dances: Sequence[tuple[int, np.ndarray]], fps: float) -> tuple[Tensor, Tensor]:
    windows = [judged_windows(codes, fps) for _, codes in dances]
    genres = [torch.full((len(w),), genre) for w, (genre, _) in zip(windows, dances, strict=True)]
    return torch.cat(windows), torch.cat(genres)


def mirrored(points: Tensor) -> Tensor:
    """The windows (B, T, 72) seen in a mirror; the points of both sides change places."""
    sides = [*range(5), *range(9, 13), *range(5, 9), *range(16, 19), *range(13, 16), 19, 21, 20, 23, 22]
    return (points.unflatten(-1, (24, 3))[:, :, sides] * torch.tensor([-1.0, 1.0, 1.0])).flatten(2)


def train_judge(dances: int = 1200, steps: int = 1500, seed: int = 0) -> StyleJudge:
    """Trains a judge on ground truth; the same arguments give the same judge on the same machine."""
    torch.manual_seed(seed)
    points, genres = _tensors(truth_dances(TRAIN_SEED, dances), VIDEO_FPS)
    judge = StyleJudge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(points), (64,))
        batch = points[rows]
        flip = torch.rand(len(batch), 1, 1) < 0.5
        batch = torch.where(flip, mirrored(batch), batch) + 0.01 * torch.randn_like(batch)
        loss = nn.functional.cross_entropy(judge(batch), genres[rows], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return judge.eval()


@torch.no_grad()
def judge_codes(
    judge: StyleJudge, dances: Sequence[np.ndarray], styles: Sequence[str], fps: float = VIDEO_FPS
) -> Recognition:
    """What the judge says of dances (F, 117) at ``fps``, each of which was asked to be in the style of that name."""
    asked, seen = [], []
    for codes, style in zip(dances, styles, strict=True):
        windows = judged_windows(codes, fps)
        if len(windows) == 0:
            continue
        seen.append(judge(windows).argmax(-1).numpy())
        asked.append(np.full(len(windows), GENRES.index(style)))
    return Recognition(np.concatenate(asked), np.concatenate(seen))


def judge_truth(judge: StyleJudge, dances: int = 200) -> Recognition:
    """What the judge says of ground truth of seeds that it did not learn from."""
    made = truth_dances(TEST_SEED, dances)
    return judge_codes(judge, [codes for _, codes in made], [GENRES[genre] for genre, _ in made])


def dance_in_styles(
    dancer: Dancer, count: int, songs: Path | None = None, progress: Progress = quiet
) -> tuple[list[np.ndarray], list[str]]:
    """``count`` dances, each asked for a genre in turn, to a held-out song that may be of any genre.

    Returns:
        Codes (F, 117) at 30 fps, and the genres asked for.
    """
    heard = held_out_songs(min(count, len(GENRES) + 1), songs, progress)  # one more song than genres: pairs change
    dances, asked = [], []
    for k in range(count):
        song, style = heard[k % len(heard)], GENRES[k % len(GENRES)]
        start = min(8.0, max(song.seconds - DANCE_SECONDS, 0.0))
        features = heard_features(song, start, min(DANCE_SECONDS, song.seconds))
        dances.append(dancer.dance(features, start_pose(k * 7 + k // 10), k, style))
        asked.append(style)
        progress("dances", k + 1, count)
    return dances, asked


def measure_style_recognition(
    checkpoint: Path, out: Path, dances: int = 60, songs: Path | None = None, progress: Progress = quiet
) -> Report:
    """Trains the judge, asks it about ground truth and about generated dances, and draws ``confusion.png``.

    Args:
        checkpoint: folder of a checkpoint, or of a training run of stage 2.
        out: gets the picture.
        dances: how many to generate, the ten genres in turn.
        songs: folder of heard songs for measuring (``studio songs --seed 900000``); None: they are made now.
        progress: called with (stage, done, total).
    """
    dancer = Dancer(load_dance_model(checkpoint))
    made, asked = dance_in_styles(dancer, dances, songs, progress)
    progress("judge", 0, 1)
    judge = train_judge()
    progress("judge", 1, 1)
    about = f"{dances} of {DANCE_SECONDS:g} s, seeds 0 to {dances - 1}, to songs of any genre that training never heard"
    return recognition_report(judge_truth(judge), judge_codes(judge, made, asked), out, about)


def recognition_report(truth: Recognition, made: Recognition, out: Path, about: str = "") -> Report:
    """The report, with ``confusion.png`` (ground truth and generated side by side) in ``out``."""
    out.mkdir(parents=True, exist_ok=True)
    draw_confusion(out / "confusion.png", {"ground truth": truth, "generated": made})
    settings = {
        "judge": f"1D convolutions over {WINDOW_SECONDS:g} s of the average body's points, trained on ground truth",
        "chance": f"{1 / len(GENRES):.2f}",
        "dances": about,
    }
    summary = [_row("ground truth, other seeds", truth), _row("generated, style asked for", made)]
    rows = [
        Row(f"generated, {genre}", {"recognised": Reading(float(made.confusion[k, k]))}, int((made.asked == k).sum()))
        for k, genre in enumerate(GENRES)
    ]
    return Report("Is the style seen?", settings, summary, rows, ["![confusion](confusion.png)"])


def _row(name: str, found: Recognition) -> Row:
    return Row(name, {"recognised": Reading(found.accuracy)}, len(found.asked))


def draw_confusion(path: Path, found: dict[str, Recognition]) -> None:
    """Writes confusion matrices side by side as a PNG."""
    from matplotlib.figure import Figure  # late: only reports draw

    figure = Figure(figsize=(6.2 * len(found), 5.6), layout="constrained")
    for axes, (name, result) in zip(np.atleast_1d(figure.subplots(1, len(found))), found.items(), strict=True):
        axes.imshow(result.confusion, vmin=0, vmax=1, cmap="Blues")
        axes.set_title(f"{name}: {result.accuracy:.2f} of {len(result.asked)} windows")
        axes.set_xticks(range(len(GENRES)), GENRES, rotation=60, ha="right")
        axes.set_yticks(range(len(GENRES)), GENRES)
        axes.set_xlabel("taken for")
        axes.set_ylabel("asked for")
        for (row, column), share in np.ndenumerate(result.confusion):
            if share >= 0.05:
                axes.text(column, row, f"{share:.2f}".lstrip("0"), ha="center", va="center", fontsize=7,
                          color="white" if share > 0.5 else "black")  # fmt: skip
    figure.savefig(path, dpi=80)
