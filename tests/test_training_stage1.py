"""Stage 1's training loops: one step helps, a run goes on where it stopped, packs are read as they were written."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from stage1_packs import write_sliding_pack

from dabfusion.errors import UserError
from dabfusion.flow_autoencoder.body_reader import BodyReader
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.geometry import warp
from dabfusion.training import train_code_reader, train_codec, train_jointly
from dabfusion.training.adversarial import Critic, CriticRun, Drawing
from dabfusion.training.pairs import PairPack, outlined, random_palette, through_palette
from dabfusion.training.stage1_run import Stage1Run, cosine_rate
from dabfusion.training.train_generator import draw, drawing_loss, exact_maps, picture_loss

TINY = (8, 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_sliding_pack(tmp_path_factory.mktemp("pairs") / "pack", clips=2)


def plain_batch(folder, drives=2):
    pack = PairPack(folder)
    return pack.collate([pack.clip(0, np.arange(drives))], np.random.default_rng(0), False)


def losses_of(model, rate, steps, loss_of):
    optimiser = torch.optim.Adam(model.parameters(), rate)
    losses = []
    for _ in range(steps):
        loss = loss_of()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_codec_and_reader_learn_one_clip(folder):
    torch.manual_seed(0)
    batch = plain_batch(folder)
    reader, codec = BodyReader(TINY, hidden=32), FlowCodec(TINY, appearance=4)
    model = torch.nn.ModuleList([reader, codec])
    losses = losses_of(model, 3e-3, 8, lambda: train_codec.step(reader, codec, batch, np.random.default_rng(0))[0])
    assert losses[-1] < 0.8 * losses[0]


def test_generator_learns_one_clip(folder):
    torch.manual_seed(0)
    batch, generator = plain_batch(folder), Generator(4, blocks=1)
    maps = exact_maps(batch)
    losses = losses_of(
        generator,
        5e-3,
        8,
        lambda: picture_loss(draw(generator, maps, batch, np.random.default_rng(0)), None, np.random.default_rng(0))[0],
    )
    assert losses[-1] < 0.8 * losses[0]


def tiny_stage1():
    torch.manual_seed(0)
    return train_jointly.Stage1(
        BodyReader(TINY, hidden=32), FlowCodec(TINY, appearance=4, fine=4), Generator(4, blocks=1)
    )


def test_painting_what_could_be_copied_costs_and_an_open_gate_does_not(folder):
    batch = PairPack(folder).batch(np.random.default_rng(0), 2, 2)
    generator = Generator()
    maps = exact_maps(batch)

    def repainted(bias: float) -> float:
        with torch.no_grad():
            generator.leave.weight.zero_()
            generator.leave.bias.copy_(torch.tensor([0.0, 0, 0, bias, 0]))
        drawing = draw(generator, maps, batch, np.random.default_rng(1))
        _, figures = picture_loss(drawing, None, np.random.default_rng(1))
        return figures["repainted"]

    closed, half, opened = repainted(-20), repainted(0), repainted(20)
    assert closed > 0.99
    assert 0.4 < half < 0.8
    assert opened < 0.4  # what is left is what the occlusion map closes


def test_what_is_drawn_wrong_reaches_the_flow(folder):
    model, batch = tiny_stage1(), plain_batch(folder)
    _, maps, _ = train_jointly.predict(model, batch, np.random.default_rng(0))
    loss, _ = picture_loss(draw(model.generator, maps, batch, np.random.default_rng(0)), None, np.random.default_rng(0))
    loss.backward()
    assert model.codec.fine_head.weight.grad.abs().sum() > 0
    assert model.codec.head.weight.grad.abs().sum() > 0


def test_joint_training_resumes_with_its_critic(folder, tmp_path):
    options = train_jointly.JointOptions(minutes=1e-6, clips=1, drives=1, critic=0.05)
    steps = []
    for _ in range(2):
        trainer = train_jointly.JointTrainer(tiny_stage1(), tmp_path / "run", options)
        trainer.train(PairPack(folder), PairPack(folder), every=1)
        steps.append(trainer.run.step)
    assert steps == [1, 2]  # however little time there is
    assert (tmp_path / "run" / "critic.safetensors").exists() and (tmp_path / "run" / "samples.png").exists()


def test_critic_learns_to_tell_noise_from_truth_and_asks_for_the_truth(tmp_path):
    torch.manual_seed(0)
    truth = torch.ones(2, 4, 32, 32) * 0.5
    noise = torch.rand(2, 4, 32, 32, requires_grad=True)
    even, rng = torch.ones(2, 1, 32, 32), np.random.default_rng(0)
    critic = CriticRun(Critic(8), tmp_path / "critic.safetensors", rate=2e-3)
    figures = [critic.judge(Drawing(noise, truth, even), rng)[1]["critic"] for _ in range(40)]
    assert figures[-1] < 0.5 * figures[0]
    fooled, _ = critic.judge(Drawing(noise, truth, even), rng)
    perfect, _ = critic.judge(Drawing(truth, truth, even), rng)
    assert fooled > perfect
    fooled.backward()
    assert noise.grad.abs().sum() > 0


def test_outlined_pictures_have_a_dark_rim_and_keep_their_inside():
    picture = torch.zeros(1, 4, 32, 32)
    picture[:, :, 8:24, 8:24] = 1
    drawn = outlined(picture, 5)
    assert drawn[0, :3, 8:10, 8:24].max() == 0 and drawn[0, :3, 10:22, 10:22].min() == 1
    assert torch.equal(drawn[:, 3], picture[:, 3])


def test_palettes_exchange_colours_the_same_way_everywhere():
    rng = np.random.default_rng(0)
    colour = torch.rand(1, 3, 8, 8)
    palettes = torch.stack([random_palette(rng) for _ in range(40)])
    changed = [through_palette(colour, p[None]) for p in palettes]
    kept = [torch.allclose(c, colour, atol=1e-5) for c in changed]
    assert 10 < sum(kept) < 35  # the others keep the avatars' own colours
    other = next(c for c, same in zip(changed, kept, strict=True) if not same)
    palette = palettes[kept.index(False)][None]
    assert torch.allclose(through_palette(colour.flip(-1), palette), other.flip(-1), atol=1e-6)
    assert other.min() >= 0 and other.max() <= 1


def test_a_palette_is_looked_up_by_red_green_and_blue():
    palette = torch.zeros(1, 3, 2, 2, 2)
    palette[0, :, 0, 1, 0] = torch.tensor([0.2, 0.4, 0.6])  # what pure green becomes
    green = torch.tensor([0.0, 1, 0]).view(1, 3, 1, 1)
    assert through_palette(green, palette).flatten().tolist() == pytest.approx([0.2, 0.4, 0.6])
    assert through_palette(1 - green, palette).abs().max() == 0


def test_exact_maps_of_a_sliding_patch_slide_it(folder):
    batch = plain_batch(folder)
    maps = exact_maps(batch)
    moved = warp(batch.start.repeat_interleave(2, 0), maps.flow)
    inside = (
        torch.nn.functional.interpolate(-torch.nn.functional.max_pool2d(-batch.coverage, 3, 1, 1), (256, 256))
        .expand_as(moved)
        .bool()
    )
    assert (moved - batch.drive)[inside].abs().max() < 1e-3
    assert maps.parts.shape[1] == 19 and (maps.parts.sum(1, keepdim=True) <= batch.coverage + 1e-5).all()


def test_drawing_loss_is_zero_for_the_truth_alone():
    truth = torch.rand(1, 4, 32, 32)
    even = torch.ones(1, 1, 32, 32)
    assert drawing_loss(truth, truth, even) == 0
    assert drawing_loss(truth + 0.1, truth, even) > 0.1


def test_a_dark_rim_costs_more_in_front_of_a_bright_plate():
    truth = torch.zeros(1, 4, 32, 32)
    rim = truth.clone()
    rim[:, 3, 8:24, 8:24] = 0.5  # dark and half there, where nothing should be
    even, bright = torch.ones(1, 1, 32, 32), torch.ones(1, 3, 1, 1)
    assert drawing_loss(rim, truth, even, bright) > 2 * drawing_loss(rim, truth, even)


def test_mirrored_batches_stay_true(folder):
    """Augmentation may mirror a clip; flow must still lead the start frame to the drive, and the code to the points."""
    pack = PairPack(folder)
    for seed in range(4):
        batch = pack.batch(np.random.default_rng(seed), 1, 1)
        moved = warp(batch.start[:, 3:], batch.flow)
        inside = torch.nn.functional.interpolate(
            -torch.nn.functional.max_pool2d(-batch.coverage, 5, 1, 2), (256, 256)
        ).bool()
        assert (moved - batch.drive[:, 3:])[inside].abs().mean() < 0.02
        shift = batch.flow[0, 0][batch.coverage[0, 0] > 0].mean()
        assert float(batch.code[0, -3]) * float(shift) <= 1e-6  # displacement to one side, backward flow to the other


def test_pack_finds_shards_that_come_later(tmp_path):
    pack = PairPack(write_sliding_pack(tmp_path / "pack", clips=2))
    assert len(pack) == 2
    write_sliding_pack(tmp_path / "more", clips=3)
    (tmp_path / "more" / "0000").rename(tmp_path / "pack" / "0001")
    assert pack.refresh() == 5
    assert np.array_equal(pack.clip(4, np.arange(2))["offsets"], pack.clip(0, np.arange(2))["offsets"])
    with pytest.raises(IndexError):
        pack.clip(5, np.arange(2))


def test_empty_pack_says_how_to_make_one(tmp_path):
    with pytest.raises(UserError, match="studio pairs"):
        PairPack(tmp_path)


def test_run_goes_on_where_it_stopped(tmp_path):
    def session():
        model = torch.nn.Linear(2, 1)
        optimiser = torch.optim.Adam(model.parameters(), 0.1)
        return model, optimiser, Stage1Run(tmp_path / "run", model, optimiser)

    model, optimiser, run = session()
    for _ in range(30):
        loss = (model(torch.ones(1, 2)) - 3).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        run.after_step({"loss": float(loss.detach())})
    run.save()
    again, restored, resumed = session()
    assert resumed.step == 30
    assert torch.equal(again.weight, model.weight)
    assert torch.equal(resumed.ema.average.weight, run.ema.average.weight)
    assert restored.state_dict()["state"][0]["step"] == 30
    rows = list(csv.DictReader((tmp_path / "run" / "loss.csv").open()))
    assert [row["step"] for row in rows] == ["25"]


def test_learning_rate_warms_up_and_falls():
    assert cosine_rate(0, 0.0) == pytest.approx(0.01)
    assert cosine_rate(1000, 0.0) == pytest.approx(1.0)
    assert cosine_rate(1000, 1.0) == pytest.approx(0.03)
    assert cosine_rate(1000, 0.5) == pytest.approx(0.515)


def test_code_reader_command_resumes_its_count(folder, tmp_path):
    arguments = ["--pairs", str(folder), "--held-out", str(folder), "--out", str(tmp_path / "run"), "--minutes", "0.02"]
    arguments += ["--clips", "1", "--drives", "1", "--widths", "8", "8", "8", "8"]
    counts = []
    for _ in range(2):
        assert train_code_reader.main(arguments) == 0
        counts.append(json.loads((tmp_path / "run" / "progress.json").read_text())["steps"])
    assert 1 <= counts[0] < counts[1]
    assert "trunk.stem.weight" in load_file(tmp_path / "run" / "ema.safetensors")
    assert len((tmp_path / "run" / "held_out.csv").read_text().splitlines()) == 3
    with pytest.raises(UserError, match="train-codec"):
        train_code_reader.load_codec(tmp_path)
