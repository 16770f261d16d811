"""Stage 1's encoder and decoder: shapes, windows, switches."""

from __future__ import annotations

import pytest
import torch

from dabfusion.flow_autoencoder.flow_maps import FlowMaps
from dabfusion.flow_autoencoder.generator import Generator
from dabfusion.flow_autoencoder.geometry import crop, enlarged, warp
from dabfusion.flow_autoencoder.seen_colours import fill_unseen, seen_colours
from dabfusion.skeleton import BONES


def tiny(**switches):
    torch.manual_seed(0)
    return Generator(channels=4, parts=switches.pop("parts", 3), blocks=1, **switches).eval()


def picture_and_maps(count=2, side=64, parts=3):
    torch.manual_seed(1)
    alpha = (torch.rand(count, 1, side, side) > 0.3).float()
    picture = torch.cat([torch.rand(count, 3, side, side) * alpha, alpha], 1)
    share = torch.rand(count, 1, side // 4, side // 4)
    choice = torch.softmax(torch.randn(count, parts, side // 4, side // 4), 1) * share if parts else None
    return picture, FlowMaps(0.1 * torch.randn(count, 2, side // 4, side // 4), torch.rand_like(share), share, choice)


def test_drawn_frames_are_premultiplied_rgba():
    picture, maps = picture_and_maps()
    generator = tiny()
    start = generator.encode(picture)
    assert [v.shape[1:] for v in (start.z1, start.z2, start.z)] == [(4, 64, 64), (8, 32, 32), (16, 16, 16)]
    drawn = generator.decode(start, maps)
    assert drawn.shape == (2, 4, 64, 64)
    assert drawn.min() >= 0 and drawn[:, 3].max() <= 1
    assert (drawn[:, :3] <= drawn[:, 3:] + 1e-6).all()


def test_a_window_is_the_crop_of_the_whole_away_from_its_edge():
    picture, maps = picture_and_maps(1, 128)
    torch.manual_seed(0)
    generator = Generator(channels=4, parts=3, blocks=1)
    start, window = generator.encode(picture), (16, 32, 96, 64)
    whole, part = crop(generator.decode(start, maps), window), generator.decode(start, maps, window)
    assert part.shape == (1, 4, 96, 64)
    edge = 24  # reach of the decoder's convolutions, pixels
    inside = (slice(None), slice(None), slice(edge, -edge), slice(edge, -edge))
    assert torch.allclose(part[inside], whole[inside], atol=1e-5)


def test_windows_must_lie_on_the_flow_grid():
    picture, maps = picture_and_maps(1)
    generator = tiny()
    with pytest.raises(ValueError, match="aligned"):
        generator.decode(generator.encode(picture), maps, (2, 0, 32, 32))


def test_open_gate_copies_the_warped_pixels():
    picture, maps = picture_and_maps()
    generator = tiny()
    with torch.no_grad():
        generator.leave.weight.zero_()
        generator.leave.bias.copy_(torch.tensor([0.0, 0, 0, 30, 30]))  # gate open, matte full
    drawn = generator.decode(generator.encode(picture), maps)
    moved = warp(picture, maps.flow)
    shown = (moved[:, 3:] > 0.999).expand_as(moved[:, :3])  # and where there is nothing to copy, all is painted
    assert 0.2 < shown.float().mean() < 0.9
    assert torch.allclose(drawn[:, :3][shown], moved[:, :3][shown], atol=1e-3)
    empty = (moved[:, 3:] == 0).expand_as(moved[:, :3])
    near = enlarged(seen_colours(picture, maps), picture).clamp(1e-3, 1 - 1e-3)  # what is painted by a delta of 0
    assert torch.allclose(drawn[:, :3][empty], near[empty], atol=1e-4)


def test_without_gate_nothing_is_copied():
    picture, maps = picture_and_maps()
    generator = tiny(gate=False)
    with torch.no_grad():
        generator.leave.weight.zero_()
        generator.leave.bias.copy_(torch.tensor([0.0, 0, 0, 30, 30]))
    drawn = generator.decode(generator.encode(picture), maps)
    near = enlarged(seen_colours(picture, maps), picture).clamp(1e-3, 1 - 1e-3)
    assert torch.allclose(drawn[:, :3], near, atol=1e-4)  # what is painted by a delta of 0


def test_skips_are_what_brings_fine_features():
    picture, maps = picture_and_maps(1)
    with_skips, without = tiny(), tiny(skips=False)
    start = with_skips.encode(picture)
    other = type(start)(start.picture, start.z1 + 1, start.z2 + 1, start.z)
    assert not torch.allclose(with_skips.decode(start, maps), with_skips.decode(other, maps))
    assert torch.allclose(without.decode(start, maps), without.decode(other, maps))


def test_occluded_features_do_not_reach_the_decoder():
    picture, maps = picture_and_maps(1)
    generator = tiny()
    hidden = FlowMaps(maps.flow, torch.zeros_like(maps.occlusion), maps.matte, maps.parts)
    start = generator.encode(picture)
    other = type(start)(start.picture, start.z1 + 1, start.z2 + 1, start.z + 1)
    assert torch.allclose(generator.decode(start, hidden), generator.decode(other, hidden))
    assert not torch.allclose(generator.decode(start, maps), generator.decode(other, maps))


def test_works_without_parts():
    picture, maps = picture_and_maps(1, parts=0)
    generator = tiny(parts=0)
    assert generator.decode(generator.encode(picture), maps).shape == (1, 4, 64, 64)


def test_start_frames_repeat_in_rows():
    picture, _ = picture_and_maps(2)
    start = tiny().encode(picture)
    again = start.repeated(3)
    assert torch.equal(again.z[2], start.z[0]) and torch.equal(again.z[3], start.z[1])


def test_hidden_cells_take_the_colours_seen_around_them():
    seen = torch.zeros(1, 1, 64, 64)
    seen[..., :20], seen[..., 44:] = 1.0, 1.0
    colour = torch.zeros(1, 3, 64, 64)
    colour[:, 0, :, :20], colour[:, 2, :, 44:] = 0.8, 0.6  # red left, blue right, nothing between
    filled = fill_unseen(colour, seen)
    assert torch.allclose(filled[..., :20], colour[..., :20]) and torch.allclose(filled[..., 44:], colour[..., 44:])
    left, right = filled[0, :, 32, 22], filled[0, :, 32, 41]
    assert left[0] > 3 * left[2] and right[2] > 3 * right[0]
    assert filled.min() >= 0 and filled.amax((0, 2, 3)).tolist() == pytest.approx([0.8, 0, 0.6])


def test_where_nothing_is_seen_colours_are_grey():
    nothing = torch.zeros(2, 1, 64, 64)
    assert torch.allclose(fill_unseen(nothing.expand(-1, 3, -1, -1), nothing), torch.tensor(0.5))


def test_seen_colours_move_with_the_person_and_leave_out_what_is_hidden():
    picture = torch.zeros(1, 4, 64, 64)
    picture[:, 3] = 1
    picture[:, 1, :, :32], picture[:, 0, :, 32:] = 1, 1  # green left, red right
    flow = torch.zeros(1, 2, 16, 16)
    flow[:, 0] = 1.0  # everything comes from half a frame further right
    ones = torch.ones(1, 1, 16, 16)
    moved = seen_colours(picture, FlowMaps(flow, ones, ones, None))
    assert torch.allclose(moved[0, :, 32, 8], torch.tensor([1.0, 0, 0]), atol=1e-3)
    hidden = ones.clone()
    hidden[..., 8:] = 0  # the right half is not seen: it is filled from the left one
    filled = seen_colours(picture, FlowMaps(0 * flow, hidden, ones, None))
    assert filled[0, 1, 32, 60] > 0.9 > 0.1 > filled[0, 0, 32, 60]


def test_hands_that_the_photo_hides_are_of_the_faces_colour_and_seen_ones_of_their_own():
    picture = torch.zeros(1, 4, 256, 256)
    picture[:, 3], picture[:, 2] = 1, 0.9  # a blue coat everywhere
    picture[:, :, :64] = torch.tensor([0.8, 0.5, 0.4, 1.0])[:, None, None]  # and a face above it
    parts = torch.zeros(1, 19, 64, 64)
    parts[:, BONES.index("Head"), :16] = 1
    parts[:, BONES.index("Spine"), 16:] = 1
    parts[:, BONES.index("Spine"), 40:48, :16] = 0
    parts[:, BONES.index("LeftHand"), 40:48, :16] = 1
    still, seen = torch.zeros(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    hidden = seen.clone()
    hidden[..., 40:48, :16] = 0
    hand = seen_colours(picture, FlowMaps(still, hidden, seen, parts))[0, :, 44, 8]
    assert hand[0] > 0.7 and hand[2] < 0.55
    assert seen_colours(picture, FlowMaps(still, seen, seen, parts))[0, 2, 44, 8] > 0.8


def test_a_few_seen_cells_of_a_hand_are_not_its_colour_and_hair_is_not_the_faces():
    picture = torch.zeros(1, 4, 256, 256)
    picture[:, 3], picture[:, 2] = 1, 0.9  # a blue coat everywhere
    picture[:, :, :80] = torch.tensor([0.1, 0.6, 0.1, 1.0])[:, None, None]  # green hair
    picture[:, :, 30:80, 100:156] = torch.tensor([0.8, 0.5, 0.4, 1.0])[:, None, None]  # a face within
    parts = torch.zeros(1, 19, 64, 64)
    parts[:, BONES.index("Spine")] = 1
    for bone, rows, columns in (("Head", slice(0, 20), slice(20, 44)), ("LeftHand", slice(40, 52), slice(0, 12))):
        parts[:, :, rows, columns] = 0
        parts[:, BONES.index(bone), rows, columns] = 1
    still, seen = torch.zeros(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    hidden = seen.clone()
    hidden[..., 40:52, :12] = 0
    hidden[..., 40:42, 0] = 1  # 2 of 144 cells, the edge of a blue sleeve, are seen
    hand = seen_colours(picture, FlowMaps(still, hidden, seen, parts))[0, :, 46, 8]
    assert hand[0] > 0.45 and hand[0] > hand[1] and hand[2] < 0.6
    hidden[..., 40:52, 1:6] = 1  # half of it is seen: it is what it is
    assert seen_colours(picture, FlowMaps(still, hidden, seen, parts))[0, 2, 46, 8] > 0.8


def test_a_frame_without_a_face_can_be_learnt_from():
    flow = torch.zeros(1, 2, 64, 64, requires_grad=True)
    parts = torch.zeros(1, 19, 64, 64)
    parts[:, BONES.index("LeftHand")] = 1
    picture, ones = torch.full((1, 4, 256, 256), 0.5), torch.ones(1, 1, 64, 64)
    seen_colours(picture, FlowMaps(flow, 0.01 * ones, ones, parts)).sum().backward()
    assert torch.isfinite(flow.grad).all()


def test_a_hidden_forearm_looks_like_the_other_one_and_not_like_the_shirt_behind_it():
    picture, parts = torch.zeros(1, 4, 64, 64), torch.zeros(1, 19, 64, 64)
    picture[:, 3] = 1
    picture[:, 2] = 1  # a blue shirt...
    parts[:, BONES.index("Spine2")] = 1
    for bone, columns in (("LeftForeArm", slice(4, 12)), ("RightForeArm", slice(52, 60))):
        parts[:, :, 20:44, columns] = 0
        parts[:, BONES.index(bone), 20:44, columns] = 1
    picture[:, 2, 20:44, 4:12], picture[:, 0, 20:44, 4:12] = 0, 1  # ... and a red left forearm
    still, ones = torch.zeros(1, 2, 64, 64), torch.ones(1, 1, 64, 64)
    seen = ones.clone()
    seen[..., 20:44, 52:60] = 0  # the right one is hidden
    red, blue = torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0])
    filled = seen_colours(picture, FlowMaps(still, seen, ones, parts))[0]
    assert torch.allclose(filled[:, 32, 56], red, atol=0.02) and torch.allclose(filled[:, 32, 30], blue, atol=0.02)
    unknown = seen_colours(picture, FlowMaps(still, seen, ones, None))[0]
    assert unknown[2, 32, 56] > 0.8 > 0.2 > unknown[0, 32, 56]
    seen[..., 20:44, 4:12] = 0  # none is seen: what lies around has to do
    assert seen_colours(picture, FlowMaps(still, seen, ones, parts))[0, 2, 32, 56] > 0.8
