"""The flow codec, the body reader and the code reader: shapes, fixed points, and that each learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stage1_packs import write_sliding_pack

from dabfusion.flow_autoencoder.body_reader import Body, BodyReader, hint_maps
from dabfusion.flow_autoencoder.code_reader import CodeReader, carried_cues
from dabfusion.flow_autoencoder.codec import FlowCodec
from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.skeleton import ROTATION_SIZE, leg_length
from dabfusion.training.pairs import PairPack
from dabfusion.training.train_code_reader import code_loss, observed_maps
from dabfusion.training.train_code_reader import step as read_step

TINY = (8, 12, 16)
WELL_INSIDE = 0.93  # of the untrained codec's matte, which the ellipsoids alone make


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    pack = PairPack(write_sliding_pack(tmp_path_factory.mktemp("pack"), clips=2))
    return pack.collate([pack.clip(i, np.arange(3)) for i in range(2)], np.random.default_rng(0), False)


def tiny_codec():
    torch.manual_seed(0)
    return FlowCodec(TINY, appearance=4, fine=6)


def test_decoded_maps_have_the_contracts_shapes_and_ranges(batch):
    codec = tiny_codec()
    described = codec.describe(batch.start).repeated(3)
    assert described.features.shape == (6, 5, 64, 64) and described.picture.shape == (6, 4, 128, 128)
    maps = codec.decode(described, batch.body.repeated(3), batch.code)
    assert maps.flow.shape == (6, 2, 128, 128) and maps.parts.shape == (6, 19, 128, 128)
    for share in (maps.occlusion, maps.matte):
        assert share.shape == (6, 1, 128, 128)
        assert share.min() >= 0 and share.max() <= 1
    assert torch.allclose(maps.parts.sum(1, keepdim=True), maps.matte, atol=1e-5)


def test_untrained_codec_already_moves_a_sliding_body_by_its_displacement(batch):
    codec = tiny_codec()
    body = batch.body.repeated(3)
    maps = codec.decode(codec.describe(batch.start).repeated(3), body, batch.code)
    shift = batch.code[:, ROTATION_SIZE : ROTATION_SIZE + 2] * leg_length(body.offsets)[:, None]
    wanted = torch.stack([-shift[:, 0], shift[:, 1]], -1)[..., None, None].expand_as(maps.flow)
    on_body = (maps.matte > WELL_INSIDE).expand_as(maps.flow)
    assert on_body.sum() > 2000
    error = (maps.flow - wanted)[on_body].abs()
    assert error.mean() < 1e-3 and error.max() < 0.5 / 64  # a quarter of a cell
    assert wanted.abs().mean() > 0.05


def test_start_code_decodes_to_no_flow(batch):
    codec = tiny_codec()
    maps = codec.decode(codec.describe(batch.start), batch.body, batch.body.code)
    on_body = (maps.matte > WELL_INSIDE).expand_as(maps.flow)
    assert maps.flow[on_body].abs().mean() < 1e-3


def test_an_anchored_start_frame_stays_where_it_is(batch):
    codec = tiny_codec()
    torch.nn.init.normal_(codec.head.weight, std=0.003)  # a codec that errs
    described = codec.describe(batch.start)
    inside = codec.decode(described, batch.body, batch.body.code).matte > WELL_INSIDE

    def moved(description):
        flow = codec.decode(description, batch.body, batch.body.code).flow.norm(dim=1, keepdim=True)
        return float(flow[inside].mean()) * 128

    anchored = codec.anchored(described, batch.body)
    assert moved(described) > 0.5 and moved(anchored) < 0.3 * moved(described)
    again = codec.anchored(anchored, batch.body)  # anchored from what the codec says, not from what is left of it
    assert torch.equal(again.error, anchored.error)


def test_anchoring_takes_the_error_out_where_the_flow_ends(batch):
    codec = tiny_codec()
    plain = codec.describe(batch.start)
    error = torch.full((2, 2, 128, 128), 0.03)  # everything is fetched from too far right and down
    maps = [
        codec.decode(replace(plain, error=e).repeated(3), batch.body.repeated(3), batch.code) for e in (None, error)
    ]
    inside = maps[0].matte > 0.9
    off = (maps[0].flow - maps[1].flow)[inside.expand(-1, 2, -1, -1)]
    assert torch.allclose(off, torch.tensor(0.03), atol=1e-5)
    assert torch.equal(maps[0].occlusion, maps[1].occlusion) and torch.equal(maps[0].matte, maps[1].matte)


def test_nothing_is_copied_from_beyond_the_frame(batch):
    """Somebody whose legs lie below the frame rises: what shows then was never in the photo."""
    codec, rise = tiny_codec(), 0.8
    low = Body(batch.body.points + torch.tensor([0.0, rise]), batch.body.code, batch.body.offsets)
    code = low.code.clone()
    code[:, ROTATION_SIZE + 1] = rise / leg_length(low.offsets)
    maps = codec.decode(codec.describe(batch.start), low, code)
    came_from = torch.arange(128)[:, None].expand(128, 128) / 64 - 1 + rise
    person = maps.matte[0, 0] > WELL_INSIDE
    below, above = person & (came_from > 1.1), person & (came_from < 0.9)
    assert below.any() and above.any()
    assert maps.occlusion[0, 0][below].max() == 0
    assert maps.occlusion[0, 0][above].min() > 0


def test_hints_are_blobs_at_confident_joints():
    keypoints = torch.zeros(1, 17, 3)
    keypoints[0, 0] = torch.tensor([0.5, -0.5, 0.9])
    keypoints[0, 1] = torch.tensor([0.5, -0.5, 0.1])
    maps = hint_maps(keypoints)
    row, column = divmod(int(maps[0, 0].argmax()), 64)
    assert abs(column - 47.5) <= 1 and abs(row - 15.5) <= 1
    assert maps[0, 1:].abs().max() == 0


def test_body_reader_reads_a_body_of_the_contracts_shapes(batch):
    reader = BodyReader(TINY, hidden=32)
    body = reader(batch.start, batch.keypoints)
    assert body.points.shape == (2, 24, 2) and body.points.abs().max() <= 1  # untrained, it guesses nothing beyond
    assert body.code.shape == (2, 117) and body.offsets.shape == (2, 24, 3)
    assert body.code[:, ROTATION_SIZE:].abs().max() == 0  # the start frame is where displacement is counted from
    assert torch.equal(body.repeated(3).points[3:6], body.points[1:].expand(3, 24, 2))


def test_cues_carry_the_bones_to_where_they_went(batch):
    body, maps = batch.body.repeated(3), observed_maps(batch)
    cues = carried_cues(body, maps)
    still = carried_cues(body, FlowMaps(torch.zeros_like(maps.flow), maps.occlusion, torch.ones_like(maps.matte)))
    cells = (-maps.flow.flatten(2).sum(-1) / (maps.flow != 0).flatten(2).sum(-1).clamp_min(1) * 32).round().int()
    k = int(cells.abs().sum(1).argmax())
    moved = torch.roll(still[k, :19], (int(cells[k, 1]), int(cells[k, 0])), (1, 2)) * maps.matte[k]
    assert (cues[k, :19] - moved).abs().mean() < 2e-3
    assert (cues[k, :19] - still[k, :19]).abs().mean() > 5e-3


def test_untrained_code_reader_answers_the_start_pose(batch):
    reader = CodeReader(TINY, description=0, hidden=32)
    body = batch.body.repeated(3)
    code = reader(batch.flow[:, :0], body, observed_maps(batch))
    assert torch.allclose(code, body.code)


def test_code_reader_learns_a_clip_and_the_round_trip_closes(batch):
    """flow of known codes -> code -> codec -> flow again."""
    torch.manual_seed(0)
    reader, codec = CodeReader(TINY, description=5, hidden=64), tiny_codec()
    optimiser = torch.optim.Adam(reader.parameters(), 5e-3)
    first = float(read_step(reader, codec, batch, None)[0])
    for k in range(70):
        optimiser.param_groups[0]["lr"] = 5e-3 if k < 45 else 1e-3
        loss, figures = read_step(reader, codec, batch, None)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.35 * first
    body = batch.body.repeated(3)
    described = codec.describe(batch.start).repeated(3)
    with torch.no_grad():
        code = reader(described.features, body, observed_maps(batch))
        again = codec.decode(described, body, code)
    still = code_loss(body.code, body.points, batch, body)[1]
    assert figures["joints_px"] < 0.4 * still["joints_px"]
    person = batch.coverage * (again.matte > 0.5)
    error = ((again.flow - batch.flow).norm(dim=1, keepdim=True) * person).sum() / person.sum()
    length = (batch.flow.norm(dim=1, keepdim=True) * person).sum() / person.sum()
    assert error < 0.5 * length


@torch.no_grad()
def test_motion_transfer_moves_another_body_by_the_same_code(batch):
    codec = tiny_codec()
    code = batch.code[:1]
    other = batch.body.repeated(1)
    smaller = type(other)(other.points * 0.5, other.code, other.offsets * 0.5)
    flows = []
    for body in (other, smaller):
        maps = codec.decode(codec.describe(batch.start), body, code.expand(2, -1))
        on_body = maps.parts.sum(1) > 0.5
        flows.append(float(maps.flow[:, 0][on_body].median()))
    assert flows[1] == pytest.approx(flows[0] / 2, abs=3e-3)  # in leg lengths, so half as far for half the size


def test_errors_put_on_observed_flow_leave_the_truth_alone(batch):
    exact, rough = observed_maps(batch), observed_maps(batch, np.random.default_rng(0))
    whole = F.avg_pool2d(batch.coverage, 2) == 1
    person = whole.expand_as(exact.flow)
    assert person.sum() > 1000
    assert torch.allclose(exact.flow[person], F.avg_pool2d(batch.flow, 2)[person], atol=1e-6)
    assert 1e-3 < (rough.flow - exact.flow).abs().mean() < 0.1
    assert exact.parts is None
