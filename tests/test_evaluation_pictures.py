"""Measures of pictures, against oracles and constructed truths; networks with random weights where none are needed."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading

import numpy as np
import pytest
import torch
from needs import missing
from scipy.linalg import sqrtm
from skimage.metrics import peak_signal_noise_ratio
from test_evaluation_motion import STANDING, make_track

from dabfusion.evaluation import weights
from dabfusion.evaluation.body import body_mask
from dabfusion.evaluation.clip import Clip
from dabfusion.evaluation.clip_score import ClipPictures, clip_score
from dabfusion.evaluation.fvd import cut_clips, frechet_distance, prepared, video_features
from dabfusion.evaluation.i3d import I3D, Mixed, Unit, load_i3d, same_padding
from dabfusion.evaluation.identity import Identity, appearance, identity_kept
from dabfusion.evaluation.lpips import NETWORKS, Lpips, load_lpips, mean_lpips, weights_name
from dabfusion.evaluation.pose import YoloPose, cached_track
from dabfusion.evaluation.psnr import psnr
from dabfusion.evaluation.ssim import ssim
from dabfusion.evaluation.weights import MissingWeightsError, find_weights
from preprocess.torchvision_ops import ensure_torchvision_ops

RANDOM = np.random.default_rng(0)
MIDDLE = np.array([64, 80])  # where the figure stands in a 160 px picture


def noise_video(frames: int = 3, size: int = 48) -> np.ndarray:
    return RANDOM.integers(0, 256, (frames, size, size, 3), np.uint8)


def test_ssim_and_psnr_of_equal_shifted_and_noisy_videos() -> None:
    video = np.cumsum(noise_video().astype(int), 2).astype(np.uint8) // 2 + 60
    shifted = np.roll(video, 3, 2)
    noisy = np.clip(video + RANDOM.normal(0, 10, video.shape), 0, 255).astype(np.uint8)
    assert ssim(video, video) == pytest.approx(1.0) and psnr(video, video) == 100.0
    assert ssim(video, shifted) < ssim(video, noisy) < 1.0
    oracle = np.mean([peak_signal_noise_ratio(a, b) for a, b in zip(video, noisy, strict=True)])
    assert psnr(video, noisy) == pytest.approx(oracle)


@pytest.mark.parametrize("network", NETWORKS)
def test_lpips_is_zero_for_equal_pictures_and_grows_with_noise(network: str) -> None:
    torch.manual_seed(0)
    model = Lpips(network).eval()
    for head in model.heads:
        head.weight.data.abs_()
    x = torch.rand(2, 3, 64, 64)
    little, much = x + 0.02 * torch.randn_like(x), x + 0.3 * torch.randn_like(x)
    assert mean_lpips(model, x, x) == 0.0
    assert 0 < mean_lpips(model, x, little) < mean_lpips(model, x, much)


@pytest.mark.parametrize("network", NETWORKS)
def test_lpips_with_published_weights(network: str) -> None:
    try:
        model = load_lpips(network)
    except MissingWeightsError as absent:
        missing(f"needs {absent.need} in $DABFUSION_WEIGHTS or checkpoints/")
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.1 + 0.5
    assert mean_lpips(model, x, x) == 0.0
    assert mean_lpips(model, x, x.flip(-1)) > 0.01


def test_missing_weights_name_what_is_needed(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="nothing_here"):
        find_weights("nothing_here.safetensors", tmp_path)
    (tmp_path / weights_name("vgg16")).write_bytes(b"")
    assert find_weights(weights_name("vgg16")) == tmp_path / weights_name("vgg16")


def test_weights_are_fetched_by_name_and_checked(tmp_path, monkeypatch) -> None:
    served, kept, name = tmp_path / "served", tmp_path / "kept", weights_name("vgg16")
    served.mkdir()
    (served / name).write_bytes(b"the real thing")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(served))
    monkeypatch.setenv("DABFUSION_WEIGHTS", str(kept))
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path / "none")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(MissingWeightsError):  # nobody named an address
            find_weights(name)
        monkeypatch.setenv(weights.ADDRESS, f"http://127.0.0.1:{server.server_port}/")
        with pytest.raises(MissingWeightsError, match="another file"):
            find_weights(name)
        assert not (kept / name).exists()
        monkeypatch.setitem(weights.SUMS, name, hashlib.sha256(b"the real thing").hexdigest())
        assert find_weights(name) == kept / name and (kept / name).read_bytes() == b"the real thing"
        with pytest.raises(MissingWeightsError, match="not to be had"):
            find_weights("yolo11n-pose.pt")
        with pytest.raises(MissingWeightsError, match=r"^unknown\.pt$"):
            find_weights("unknown.pt")
        server.shutdown()
    assert find_weights(name) == kept / name
    monkeypatch.setenv(weights.ADDRESS, "file:///etc")
    with pytest.raises(MissingWeightsError, match="must begin"):
        find_weights("yolo11n-pose.pt")


def test_frechet_distance_of_known_gaussians() -> None:
    """Between N(0, S) and N(m, T), with samples so many that their moments are near the true ones."""
    a, b = RANDOM.normal(size=(4, 4)), RANDOM.normal(size=(4, 4))
    x = RANDOM.normal(size=(20000, 4)) @ a
    y = RANDOM.normal(size=(20000, 4)) @ b + [1.0, -2.0, 0.0, 0.5]
    s, t = a.T @ a, b.T @ b
    truth = 5.25 + np.trace(s + t - 2 * sqrtm(s @ t).real)
    assert frechet_distance(x, y) == pytest.approx(truth, rel=0.03)
    assert frechet_distance(x, x) == pytest.approx(0.0, abs=1e-8)


def test_frechet_distance_equals_the_matrix_form_with_few_samples() -> None:
    x, y = RANDOM.normal(size=(6, 3)), RANDOM.normal(1, 2, size=(9, 3))
    c, d = np.cov(x.T), np.cov(y.T)
    truth = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)
    assert frechet_distance(x, y) == pytest.approx(truth)
    with pytest.raises(ValueError, match="two samples"):
        frechet_distance(x[:1], y)


def test_clips_are_cut_and_prepared_for_i3d() -> None:
    video = noise_video(33, 32)
    clips = cut_clips(video, 16)
    assert [len(c) for c in clips] == [16, 16]
    assert np.array_equal(clips[1], video[16:32])
    tensor = prepared(np.full((4, 20, 40, 3), 255, np.uint8))
    assert tensor.shape == (1, 3, 4, 224, 224)
    assert float(tensor.min()) == pytest.approx(1.0, abs=1e-5)


def test_same_padding_is_tensorflows() -> None:
    assert same_padding((16, 224, 224), (7, 7, 7), (2, 2, 2)) == (2, 3, 2, 3, 2, 3)
    assert same_padding((8, 56, 56), (1, 3, 3), (1, 2, 2)) == (0, 1, 0, 1, 0, 0)
    assert same_padding((8, 7, 7), (3, 3, 3), (1, 1, 1)) == (1, 1, 1, 1, 1, 1)


def test_i3d_parts_have_the_right_shapes() -> None:
    assert Unit(3, 4, 7, 2)(torch.rand(1, 3, 9, 12, 12)).shape == (1, 4, 5, 6, 6)
    assert Mixed(8, (2, 3, 4, 2, 3, 5))(torch.rand(1, 8, 2, 4, 4)).shape == (1, 14, 2, 4, 4)
    assert sum(p.numel() for p in I3D().parameters()) == pytest.approx(12.7e6, rel=0.02)


def test_i3d_with_published_weights_loads_strictly() -> None:
    try:
        model = load_i3d()
    except MissingWeightsError as absent:
        missing(f"needs {absent.need} in $DABFUSION_WEIGHTS or checkpoints/")
    with torch.inference_mode():
        assert model(torch.zeros(1, 3, 10, 64, 64)).shape == (1, 400)


def test_fvd_of_the_same_videos_is_zero_and_noise_is_far_from_a_moving_square() -> None:
    torch.manual_seed(0)
    model = I3D().eval()
    squares = []
    for start in (4, 10, 16):
        video = np.full((10, 48, 48, 3), 120, np.uint8)
        for n in range(10):
            video[n, 16:32, start + n : start + n + 12] = 230
        squares.append(video)
    same, others = (video_features(model, [v[k : k + 9] for v in squares]) for k in (0, 1))
    noise = video_features(model, [noise_video(9) for _ in range(3)])
    assert frechet_distance(same, same) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(noise, same) > 10 * frechet_distance(others, same) > 0


def coloured_figure(shirt: tuple[int, int, int], scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """A figure in a shirt of one colour and dark trousers, on light grey: picture and keypoints."""
    points = (STANDING + MIDDLE) * scale
    size = round(160 * scale)
    image = np.full((size, size, 3), 200, np.uint8)
    body = body_mask((size, size), points, np.full(17, 0.9))
    image[body] = shirt
    image[body & (np.arange(size)[:, None] > 82 * scale)] = (30, 30, 40)
    return image, points


def test_identity_is_kept_by_the_same_person_at_another_size_and_lost_in_other_clothes() -> None:
    torch.manual_seed(0)
    net = Lpips("vgg16").eval()
    photo, points = coloured_figure((200, 30, 40), 2.0)
    known = appearance(photo, points, np.full(17, 0.9), 80.0, net)
    same, at = coloured_figure((200, 30, 40))
    other, _ = coloured_figure((30, 60, 200))
    frames = np.stack([same, same, other, other])
    found = identity_kept(frames, make_track(np.repeat(at[None], 4, 0), fps=2.0), known, net)
    assert found.colour[0] > 0.8 and found.colour[2] < found.colour[0] - 0.2
    assert found.look[0] > 0.9
    first, last = found.per_second()
    assert first > last


def test_identity_where_nobody_is_found() -> None:
    nothing = Identity(np.full(4, np.nan), np.full(4, np.nan), 2.0)
    assert nothing.mean == 0.0 and len(nothing.per_second()) == 2


def test_body_mask_covers_the_torso_and_not_the_wall() -> None:
    mask = body_mask((160, 160), STANDING + MIDDLE, np.full(17, 0.9))
    assert mask[60, 64] and mask[18, 64] and not mask[60, 120] and not mask[120, 64]
    hidden = body_mask((160, 160), STANDING + MIDDLE, np.zeros(17))
    assert hidden[60, 64] and not hidden[125, 56]


class _Tones:
    """A sound side that says [1, 0] before 1 s and [0, 1] after."""

    def encode(self, song, frames: int, fps: float) -> np.ndarray:
        late = np.arange(frames) / fps >= 1.0
        return np.stack([~late, late], -1).astype(np.float32)


def test_clip_score_is_the_cosine_at_the_same_moment() -> None:
    def picture(pixels: torch.Tensor) -> torch.Tensor:
        dark = pixels.mean((1, 2, 3)) < 0
        return torch.stack([dark, ~dark], -1).float() * 3

    frames = np.zeros((4, 20, 30, 3), np.uint8)
    frames[2:] = 255
    clip = Clip("x", frames, 2.0, np.zeros(44100, np.float32) + 0.1, 22050, np.zeros(0), "given")
    assert clip_score(clip, picture, 16, _Tones()) == pytest.approx(1.0)
    reverse = Clip("x", frames[::-1].copy(), 2.0, clip.audio, 22050, np.zeros(0), "given")
    assert clip_score(reverse, picture, 16, _Tones()) == pytest.approx(0.0)


def test_clip_score_runs_transformers_clip_with_random_weights() -> None:
    ensure_torchvision_ops()
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
                              image_size=32, patch_size=16, projection_dim=2)  # fmt: skip
    pictures = ClipPictures(CLIPVisionModelWithProjection(config).eval())
    clip = Clip("x", noise_video(2), 2.0, np.ones(22050, np.float32), 22050, np.zeros(0), "given")
    assert -1 <= clip_score(clip, pictures, 32, _Tones()) <= 1


def test_pose_tracks_are_kept_between_runs(tmp_path) -> None:
    calls = []

    class Estimator:
        def track(self, frames, fps):
            calls.append(1)
            return make_track(np.repeat(STANDING[None], len(frames), 0), fps)

    video = noise_video(3)
    first = cached_track(video, 10.0, Estimator, tmp_path)
    again = cached_track(video, 10.0, Estimator, tmp_path)
    assert len(calls) == 1 and np.array_equal(first.keypoints, again.keypoints)
    cached_track(video[:2], 10.0, Estimator, tmp_path)
    assert len(calls) == 2


def test_pose_model_finds_nobody_on_an_empty_wall() -> None:
    track = YoloPose().track(np.full((1, 64, 64, 3), 200, np.uint8), 10.0)
    assert track.score[0] < 0.5 and track.keypoints.shape == (1, 17, 2)
