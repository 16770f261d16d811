"""The paper's own stage 2: sequences of flow maps, the 3D U-Net trained on them, resumed, and sampled."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from random_models import random_flow_diffusion
from safetensors.torch import save_file
from stage1_packs import write_sliding_pack
from test_aist import write_video

from dabfusion.__main__ import main as command_line
from dabfusion.config import CODE_FPS, DEFAULT_CHECKPOINT
from dabfusion.errors import CheckpointError, UserError
from dabfusion.evaluation.flow_space import CODES, MAPS, TRUTH, Settings, Sides, cases, drawn
from dabfusion.evaluation.stage1 import on_plate
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.flow_predictor import FlowPredictorConfig, build_flow_predictor
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_diffusion.flow_unet import FlowUnet, FlowUnetConfig, MapOptions, MapStatistics, load_flow_unet
from dabfusion.flow_diffusion.unet3d import UNet3dConfig
from dabfusion.music_encoder.encoder import build_music_encoder
from dabfusion.skeleton import matrix_to_6d
from dabfusion.training.aist import AistVideos
from dabfusion.training.dance_crops import Augmentation
from dabfusion.training.dance_data import PackedDance, write_pack
from dabfusion.training.flow_sequences import (
    PERSON_WEIGHT,
    AistSequences,
    FlowSequence,
    Replayed,
    StudioSequences,
    joined,
    load_decoder,
    stacked,
    tidied,
    unstacked,
)
from dabfusion.training.pairs import PairPack
from dabfusion.training.predictor_run import claim_run
from dabfusion.training.run import Progress
from dabfusion.training.train_flow_unet import Noising, TrainingOptions, UnetSizes, train

FRAMES, GRID = 6, 8
TINY = UnetSizes(width=8, levels=2, heads=2, head_size=4, grid=GRID, frames=FRAMES)
PLAIN = Augmentation(0, 0, 0, 0, 1.0, 0, 0, 0, tempo=0, breaks=0)


def blob_sequence(seed: int = 0) -> FlowSequence:
    """A round person who sways: flow, occlusion and matte of a few frames, with music that sways along."""
    g = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(torch.linspace(-1, 1, GRID), torch.linspace(-1, 1, GRID), indexing="ij")
    sway = 0.3 * torch.sin(torch.arange(FRAMES) * 1.0)
    matte = torch.stack([((x - s).square() + y.square() < 0.3).float() for s in sway])
    maps = torch.stack([-sway[:, None, None] * matte, 0 * matte, 1 - 0.5 * matte * (x > 0), matte])
    music = torch.stack([sway, sway.cos()], 1)[None]
    return FlowSequence(maps[None], torch.randn(1, 5, GRID, GRID, generator=g), music)


class Always:
    """A source that has one sequence."""

    fps = 15.0

    def __init__(self, sequence: FlowSequence) -> None:
        self.sequence, self.drawn = sequence, 0

    def batch(self, rng, size):
        self.drawn += size
        return joined([self.sequence] * size)


def tiny_model(sequence: FlowSequence, seed: int = 0) -> FlowUnet:
    torch.manual_seed(seed)
    statistics = MapStatistics.of(sequence.maps, sequence.weight, sequence.z0)
    return FlowUnet(FlowUnetConfig(TINY.unet(sequence), GRID, FRAMES, 15.0, statistics))


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return write_sliding_pack(tmp_path_factory.mktemp("pairs") / "pack", clips=2)


@pytest.fixture(scope="module")
def decoder():
    return load_decoder(DEFAULT_CHECKPOINT, torch.device("cpu"))


def dance(angle: float, rows: int = 20, seed: int = 1) -> PackedDance:
    """Someone whose whole body leans to and fro by ``angle`` radians; 0 stands as the sliding pack's people do."""
    lean = angle * np.sin(np.arange(rows) * 0.9)
    rotation = np.tile(np.eye(3), (rows, 19, 1, 1))
    c, s = np.cos(lean), np.sin(lean)
    rotation[:, :, 0, 0], rotation[:, :, 1, 1] = c[:, None], c[:, None]
    rotation[:, :, 0, 1], rotation[:, :, 1, 0] = -s[:, None], s[:, None]
    music = np.tile(np.arange(rows, dtype=np.float32)[:, None], (1, 16))
    six, root, beats = matrix_to_6d(rotation).astype(np.float16), np.zeros((rows, 3), np.float32), np.arange(3.0)
    return PackedDance(six, root, music.astype(np.float16), beats, 120.0, 0, seed, "lean")


def test_maps_have_unit_variance_inside_and_come_back_plain():
    sequence = blob_sequence()
    model = tiny_model(sequence)
    normal = model.normalised(sequence.maps)
    share = sequence.weight / sequence.weight.sum()
    spread = (normal.square() * share).sum((0, 2, 3, 4)).sqrt()
    assert spread[[0, 2, 3]] == pytest.approx([1, 1, 1], abs=1e-2)
    assert spread[1] == pytest.approx(0, abs=1e-5)  # what never varies is not blown up
    torch.testing.assert_close(model.plain(normal), sequence.maps, atol=1e-4, rtol=0)
    assert model.normalised(100 * sequence.maps).abs().max() < 10  # outliers are brought into the range
    assert float(sequence.weight.max()) == 1 + PERSON_WEIGHT and float(sequence.weight.min()) == 1


def test_one_sequence_is_learnt_and_its_samples_look_like_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Progress, "session", lambda self, minutes: (k / 100 for k in range(100)))  # so many steps
    sequence = blob_sequence()
    options = TrainingOptions(minutes=1, batch=2, rate=1.5e-2, drop=0.0)
    train(Always(sequence), tmp_path, TINY, options, "Studio", "cpu")
    rows = [float(row["loss"]) for row in csv.DictReader((tmp_path / "loss.csv").open())]
    assert len(rows) == 4 and rows[0] > 0.9 and rows[-1] < 0.6 * rows[0]
    model = load_flow_unet(tmp_path)
    made = model.sample_maps(sequence.z0, sequence.music, MapOptions(seed=3, steps=10, guidance=1.0))
    assert made.shape == sequence.maps.shape
    assert float(made[:, 2:].min()) >= 0 and float(made[:, 2:].max()) <= 1
    untrained = tiny_model(sequence).sample_maps(sequence.z0, sequence.music, MapOptions(3, 10, 1.0))
    error, before = ((m - sequence.maps).abs().mean() for m in (made, untrained))
    assert error < 0.9 * before


def test_sampling_is_fixed_by_the_seed_and_stays_in_range():
    sequence = blob_sequence()
    model = tiny_model(sequence).eval()
    first, again, other = (model.sample_maps(sequence.z0, sequence.music, MapOptions(s, 5)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.05
    normal = model.normalised(first)
    low, high = (v.view(1, -1, 1, 1, 1) for v in (model.low, model.high))
    assert ((normal >= low - 1e-3) & (normal <= high + 1e-3)).all()


def test_a_run_goes_on_with_its_own_statistics_and_refuses_other_sizes(tmp_path):
    source, options = Always(blob_sequence()), TrainingOptions(minutes=1e-6, batch=1)
    train(source, tmp_path, TINY, options, "Studio", "cpu")
    told = (tmp_path / "config.json").read_text("utf-8")
    weights = load_flow_unet(tmp_path).network.enter.weight.clone()
    other = Always(blob_sequence(1))
    other.sequence = replace(other.sequence, maps=2 * other.sequence.maps)
    train(other, tmp_path, TINY, options, "Studio", "cpu")
    assert json.loads((tmp_path / "progress.json").read_text("utf-8"))["steps"] == 2
    assert (tmp_path / "config.json").read_text("utf-8") == told
    moved = (load_flow_unet(tmp_path).network.enter.weight - weights).abs().max()
    assert 0 < moved < 0.02  # on from where it was, not anew
    for sizes, data in ((replace(TINY, width=16), "Studio"), (TINY, "AIST++")):
        with pytest.raises(UserError, match="other sizes or data"):
            train(source, tmp_path, sizes, options, data, "cpu")


def test_hidden_music_is_not_heard():
    sequence = blob_sequence()
    model = tiny_model(sequence)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    a, t, music = torch.randn(1, 4, FRAMES, GRID, GRID), torch.tensor([300]), sequence.music
    yes, no = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)
    with torch.no_grad():
        heard = [model.noise(a, t, sequence.z0, m, yes) for m in (music, music + 1)]
        hidden = [model.noise(a, t, sequence.z0, m, no) for m in (music, music + 1)]
    assert (heard[0] - heard[1]).abs().max() > 1e-4
    assert torch.equal(hidden[0], hidden[1])


def test_training_hides_the_music_of_as_many_as_it_should():
    sequence, asked = blob_sequence(), []
    model = tiny_model(sequence)

    def listen(a, t, z0, music, has_music):
        asked.append((has_music, t))
        return 0 * a

    model.noise = listen
    noising = Noising(0.25, 0)
    with torch.no_grad():
        losses = [float(noising.loss(model, joined([sequence] * 8))) for _ in range(100)]
    heard, steps = (torch.cat([a[k] for a in asked]) for k in (0, 1))
    assert float(heard.float().mean()) == pytest.approx(0.75, abs=0.05)
    assert np.mean(losses) == pytest.approx(1, abs=0.02)  # of whoever says nothing: the noise's own variance
    assert (steps.unflatten(0, (100, 8)).diff(dim=1) > 0).all() and int(steps.max()) > 980


def test_a_sequence_is_used_again_as_often_as_asked():
    for uses, least, most in ((1, 200, 200), (4, 35, 65)):
        source = Always(blob_sequence())
        replayed = Replayed(source, uses)
        for _ in range(50):
            replayed.batch(np.random.default_rng(_), 4)
        assert least <= source.drawn <= most


def test_who_stands_has_no_flow_and_who_leans_has(pack, decoder):
    flows = []
    for angle in (0.0, 0.5):
        source = StudioSequences(PairPack(pack), [dance(angle)], decoder, 12, 16, PLAIN)
        found = source.batch(np.random.default_rng(0), 1)
        assert found.maps.shape == (1, 4, 12, 16, 16) and found.z0.shape == (1, 64, 16, 16)
        person = found.maps[:, 3] > 0.5
        flows.append(float(found.maps[:, :2].norm(dim=1)[person].mean()))
        assert person.any()
        assert found.music[0, :, 0].diff().tolist() == [1.0] * 11 and source.fps == CODE_FPS
    assert flows[0] < 0.01 and flows[1] > 5 * flows[0]


def test_away_from_the_person_nothing_moves_and_nothing_is_hidden():
    matte = torch.zeros(1, 1, 64, 64)
    matte[..., 24:40, 24:40] = 1
    maps = FlowMaps(torch.full((1, 2, 64, 64), 0.7), torch.full((1, 1, 64, 64), 0.2), matte, torch.ones(1, 19, 64, 64))
    small = tidied(maps, 16)
    assert small.parts is None and small.matte.sum() == 16
    assert (small.flow[:, 0] > 0.6).sum() == 36  # 4 x 4 cells of the person, and those around them
    assert (small.flow[:, 0] == 0).sum() == (small.occlusion == 1).sum() == 256 - 36


def test_maps_survive_stacking():
    g = torch.Generator().manual_seed(0)
    maps = FlowMaps(*(torch.rand(5, c, 8, 8, generator=g) for c in (2, 1, 1)))
    back = unstacked(stacked(maps))
    assert all(torch.equal(getattr(back, k), getattr(maps, k)) for k in ("flow", "occlusion", "matte"))
    assert unstacked(stacked(maps, matte=False)).matte.min() == 1


@pytest.fixture(scope="module")
def aist(tmp_path_factory):
    """Two seconds of a bright square that moves to the right, to a song of clicks."""
    folder = tmp_path_factory.mktemp("aist")
    frames = np.zeros((40, 64, 64, 3), np.uint8)
    for k in range(40):
        frames[k, 20:44, k : k + 20] = 220
    write_video(folder / "gBR_sBM_c01_d04_mBR1_ch01.mp4", frames, 20)
    song = 0.01 * np.random.default_rng(0).normal(size=4 * 22050).astype(np.float32)
    for beat in np.arange(0.25, 4, 0.5):
        song[int(beat * 22050) : int(beat * 22050) + 400] += 0.8
    soundfile.write(folder / "mBR1.wav", song, 22050)
    return folder


def whole_frames(channels: int = 3):
    torch.manual_seed(0)
    predictor = build_flow_predictor(FlowPredictorConfig(64, channels, 4, "pca", (8, 12), (12, 16), residual=False))
    return predictor.eval(), Generator(4, parts=0).eval()


def test_aist_gives_maps_latent_and_the_music_of_the_same_moments(aist):
    source = AistSequences(AistVideos(aist), *whole_frames(), frames=8, grid=8)
    found = source.batch(np.random.default_rng(0), 2)
    assert found.maps.shape == (2, 3, 8, 8, 8) and found.z0.shape == (2, 16, 8, 8) and found.music.shape == (2, 8, 16)
    assert (found.weight == 1).all() and source.fps == 10
    clips = list(AistVideos(aist).clips(0, 8))
    assert [c.start for c in clips] == [0.0, 0.8]
    heard = build_music_encoder(fps=10.0).encode_file(aist / "mBR1.wav")
    for clip in clips:
        expected = heard.tower("rhythm")[round(10 * clip.start) :][:8]
        np.testing.assert_allclose(source.sequence(clip).music[0, :, 8:], expected, atol=1e-5)
    assert heard.tower("rhythm")[:16].std() > 0.1
    sequences = [source.sequence(clip) for clip in clips]
    assert (sequences[0].z0 - sequences[1].z0).abs().max() > 0  # each clip has a reference of its own


def test_the_command_trains_on_aist(aist, tmp_path):
    predictor, generator = whole_frames()
    config = FlowPredictorConfig(64, 3, 4, "pca", (8, 12), (12, 16), residual=False)
    claim_run(tmp_path / "predictor", config, "label-free", "aist")
    both = torch.nn.ModuleDict({"predictor": predictor, "generator": generator})
    save_file(both.state_dict(), tmp_path / "predictor" / "ema.safetensors")
    given = ["--aist", aist, "--predictor", tmp_path / "predictor", "--out", tmp_path / "run", "--minutes", "1e-6"]
    small = ["--width", "8", "--levels", "2", "--heads", "1", "--head-size", "4", "--grid", "8", "--frames", "8"]
    assert command_line(["train-flow-unet", *map(str, given), *small, "--batch", "1", "--device", "cpu"]) == 0
    model = load_flow_unet(tmp_path / "run")
    assert (model.config.fps, model.config.frames, model.config.unet.maps, model.config.unet.latent) == (10, 8, 3, 16)
    assert json.loads((tmp_path / "run" / "progress.json").read_text("utf-8"))["steps"] == 1
    made = model.sample_maps(torch.zeros(1, 16, 8, 8), torch.zeros(1, 8, 16), MapOptions(steps=3))
    assert unstacked(made).matte.min() == 1


def test_aist_needs_whole_frames_and_videos_that_are_long_enough(aist):
    with pytest.raises(UserError, match="whole-frame"):
        AistSequences(AistVideos(aist), *whole_frames(4), frames=8, grid=8)
    with pytest.raises(UserError, match="50 frames"):
        AistSequences(AistVideos(aist), *whole_frames(), frames=50, grid=8).batch(np.random.default_rng(0), 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--pairs", "nowhere"], "Give either --pairs and --dances"),
        (["--pairs", "a", "--dances", "b", "--aist", "c", "--predictor", "d"], "Give either"),
        (["--pairs", "nowhere", "--dances", "nowhere"], "There is no nowhere"),
        (["--pairs", "{pack}", "--dances", "{pack}"], "There are no packed dances"),
        (["--pairs", "{pack}", "--dances", "{dances}", "--frames", "40"], "No dance to train on has 40 frames"),
        (["--aist", "{pack}", "--predictor", "{pack}"], "no run of train-flow-predictor"),
        (["--aist", "a", "--predictor", "b", "--grid", "12"], "multiple of 8"),
    ],
)
def test_what_is_missing_is_told(arguments, said, pack, tmp_path, capsys):
    write_pack(tmp_path / "dances.npz", [dance(0.1)])
    filled = [a.format(pack=pack, dances=tmp_path / "dances.npz") for a in arguments]
    assert command_line(["train-flow-unet", "--out", str(tmp_path / "run"), *filled]) == 2
    assert said in capsys.readouterr().err


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json is missing"):
        load_flow_unet(tmp_path)
    train(Always(blob_sequence()), tmp_path, TINY, TrainingOptions(minutes=1e-6, batch=1), "Studio", "cpu")
    values = json.loads((tmp_path / "config.json").read_text("utf-8"))
    values["flow_unet"]["unet"]["width"] = 16
    (tmp_path / "config.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(CheckpointError, match="does not fit"):
        load_flow_unet(tmp_path)


def test_both_sides_are_drawn_alike(pack, decoder):
    """What the comparison of maps and codes draws: who stands is the photo, who is moved is not."""
    case = cases(PairPack(pack), [dance(0.3, seed=25), dance(0.3, seed=26)], 1, 4)[0]
    assert case.dance.seed == 25  # the held-out one
    maps = blob_sequence().maps
    unet = tiny_model(FlowSequence(maps.repeat(1, 1, 1, 2, 2), torch.randn(1, 64, 16, 16), torch.randn(1, FRAMES, 16)))
    codes = random_flow_diffusion(6, 0.02)
    found = Sides(unet, codes, decoder, Settings(4, 15.0, 16, steps=3)).danced(case)
    assert [d.maps.flow.shape[-1] for d in found.values()] == [16, 16, 16, 128]
    assert [d.maps.parts is None for d in found.values()] == [True, True, True, False]
    assert found[MAPS].sampling > 0 and found[CODES].decoding > 0 and found[TRUTH].sampling == 0
    start = case.seen.start
    photo = (on_plate(start) * 255)[0].permute(1, 2, 0).numpy()
    truth = drawn(decoder.generator, start, found[TRUTH].maps).astype(float)
    assert truth.shape == (4, 256, 256, 3)
    errors = np.abs(truth - photo).mean((1, 2, 3))
    assert errors[0] < 12 and errors[1:].min() > 1.3 * errors[0]  # frame 0 is the photo, then the dance leaves it


def test_sizes_of_the_paper_are_the_networks_own():
    config, paper = UnetSizes().unet(blob_sequence()), UNet3dConfig()
    assert (config.width, config.multiples, config.heads, config.head_size) == (
        paper.width, paper.multiples, paper.heads, paper.head_size,
    )  # fmt: skip
