"""The music encoder against songs whose beats are known because we made them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dabfusion.errors import CheckpointError
from dabfusion.music_encoder.adapter import MusicAdapter
from dabfusion.music_encoder.beat_tracker import estimate_tempo, track_beats
from dabfusion.music_encoder.beats import beat_features, extend_beats, frame_count, rhythm_features
from dabfusion.music_encoder.clap import ClapTower, load_clap
from dabfusion.music_encoder.encoder import MusicEncoder, build_music_encoder, build_tower
from dabfusion.music_encoder.onsets import measure_onsets
from dabfusion.music_encoder.towers import BeatsTower
from dabfusion.music_encoder.wav2clip import Wav2Clip, Wav2ClipTower, load_wav2clip, load_weights
from dabfusion.music_encoder.windows import spread
from preprocess.torchvision_ops import ensure_torchvision_ops

RATE = 22050


def sound(kind: str, seed: int = 0) -> np.ndarray:
    """A drum: (n,) samples."""
    t = np.arange(int(0.15 * RATE)) / RATE
    noise = np.random.default_rng(seed).standard_normal(len(t))
    if kind == "click":
        return np.sin(2 * np.pi * 1000 * t) * np.exp(-t / 0.01)
    if kind == "kick":
        return np.sin(2 * np.pi * (55 * t + 4 * (1 - np.exp(-t / 0.02)))) * np.exp(-t / 0.08)
    if kind == "snare":
        return 0.6 * noise * np.exp(-t / 0.05)
    return 0.4 * np.diff(noise, prepend=0.0) * np.exp(-t / 0.02)  # hat


def place(song: np.ndarray, drum: np.ndarray, times: np.ndarray) -> None:
    for time in times:
        first = round(float(time) * RATE)
        piece = drum[: max(len(song) - first, 0)]
        song[first : first + len(piece)] += piece


def click_track(bpm: float, seconds: float, first: float = 0.25, kind: str = "click") -> tuple[np.ndarray, np.ndarray]:
    song, beats = np.zeros(int(seconds * RATE)), np.arange(first, seconds, 60 / bpm)
    place(song, sound(kind), beats)
    return song.astype(np.float32), beats


def drum_song(bpm: float, seconds: float, first: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Kick on 1 and 3, snare on 2 and 4, loud hats on every off-beat, a syncopated kick before 3, chords on 1."""
    song = np.zeros(int(seconds * RATE))
    period = 60 / bpm
    beats = np.arange(first, seconds, period)
    place(song, sound("kick"), np.concatenate([beats[::2], beats[1::4] + 0.75 * period]))
    place(song, sound("snare"), beats[1::2])
    place(song, 2.5 * sound("hat", 1), beats + period / 2)
    t = np.arange(len(song)) / RATE
    song += 0.05 * sum(np.sin(2 * np.pi * f * t) for f in (220.0, 277.2, 329.6))
    return (0.5 * song).astype(np.float32), beats


def distances(found: np.ndarray, beats: np.ndarray) -> np.ndarray:
    """Seconds from each true beat to the nearest found one."""
    return np.abs(beats[:, None] - found[None]).min(1)


@pytest.mark.parametrize("kind", ["click", "kick", "snare"])
@pytest.mark.parametrize("bpm", [90.0, 120.0, 150.0])
def test_clicks_give_their_tempo_and_beats_within_30_ms(kind: str, bpm: float) -> None:
    song, beats = click_track(bpm, 12.0, kind=kind)
    tempo, found = track_beats(song, RATE)
    assert tempo == pytest.approx(bpm, rel=0.01)
    assert distances(found, beats).max() < 0.030
    assert len(found) in (len(beats), len(beats) + 1)


@pytest.mark.parametrize("bpm", [84.0, 105.0, 128.0])
def test_beats_of_a_drum_song_are_on_the_beat_and_not_on_the_loud_off_beats(bpm: float) -> None:
    song, beats = drum_song(bpm, 16.0)
    tempo, found = track_beats(song, RATE)
    assert tempo == pytest.approx(bpm, rel=0.01)
    assert distances(found, beats).max() < 0.030


def test_beats_reach_from_the_start_to_the_end_and_through_a_break() -> None:
    song, beats = drum_song(120.0, 20.0)
    song[8 * RATE : 11 * RATE] = 0.0
    tempo, found = track_beats(song, RATE)
    assert tempo == pytest.approx(120.0, rel=0.01)
    assert found[0] < 0.5 and found[-1] > 19.4
    assert np.diff(found).max() < 0.6 and np.diff(found).min() > 0.4
    assert distances(found, beats).max() < 0.05


def test_a_drifting_song_is_followed() -> None:
    beats = np.cumsum(60 / np.linspace(112, 118, 60)) - 0.3
    song = np.zeros(int((beats[-1] + 0.4) * RATE))
    place(song, sound("kick"), beats)
    _, found = track_beats(song.astype(np.float32), RATE)
    assert np.median(distances(found, beats)) < 0.02
    assert distances(found, beats).max() < 0.05


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_the_rate_of_the_song_does_not_move_its_beats(rate: int) -> None:
    beats = np.arange(0.25, 8.0, 0.5)
    song = np.zeros(8 * rate, np.float32)
    t = np.arange(int(0.1 * rate)) / rate
    for beat in beats:
        first = round(beat * rate)
        song[first : first + len(t)] += (np.sin(2 * np.pi * 800 * t) * np.exp(-t / 0.01))[: len(song) - first]
    assert distances(track_beats(song, rate)[1], beats).max() < 0.03


@pytest.mark.parametrize(
    "song",
    [
        np.zeros(0), np.zeros(1), np.zeros(60000), np.full(30000, np.nan), np.full(30000, np.inf),
        np.zeros(30000) + 1e-5, np.ones(1), np.ones(100),
    ],
)  # fmt: skip
def test_songs_with_nothing_to_follow_have_no_beat(song: np.ndarray) -> None:
    tempo, found = track_beats(song.astype(np.float32), RATE)
    assert tempo == 0.0 and len(found) == 0
    features = build_music_encoder().encode(song.astype(np.float32), RATE).features
    assert features.shape == (frame_count(len(song) / RATE, 15), 16)
    assert np.isfinite(features).all() and not features[:, :8].any()


@pytest.mark.parametrize("seconds", [0.3, 0.8, 2.0, 6.0])
def test_noise_gives_finite_ascending_beats(seconds: float) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(int(seconds * RATE)).astype(np.float32)
    tempo, found = track_beats(noise, RATE)
    assert 60 <= tempo <= 200 and (np.diff(found) > 0.2).all()
    assert (found >= 0).all() and (found <= seconds).all()


def test_three_sixteenths_do_not_pass_for_the_beat() -> None:
    """A rhythm of 3 + 3 + 2 over the beat: autocorrelation at one beat alone can find 4/3 of the tempo."""
    song = np.zeros(10 * RATE)
    beats = np.arange(0.2, 10.0, 60 / 90)
    place(song, sound("kick"), beats[::2])
    place(song, sound("snare"), beats[1::2])
    place(song, sound("click"), np.concatenate([beats[::2] + q * 60 / 90 for q in (0.0, 0.75, 1.5)]))
    assert estimate_tempo(measure_onsets(song, RATE).strength) == pytest.approx(90, rel=0.02)


def test_beat_features_on_a_known_grid() -> None:
    beats = 1.0 + 0.5 * np.arange(9)
    times = np.array([1.0, 1.125, 1.25, 2.0, 5.0, 0.0])  # beats 0, 1/4, 1/2, 2, 8 and, before the first, -2
    f = beat_features(times, beats, 120.0)
    np.testing.assert_allclose(f[:, 0], [0, 1, 0, 0, 0, 0], atol=1e-6)  # sin of the beat
    np.testing.assert_allclose(f[:, 1], [1, 0, -1, 1, 1, 1], atol=1e-6)
    np.testing.assert_allclose(f[:, 3], [1, np.cos(np.pi / 4), 0, 1, 1, 1], atol=1e-6)  # cos of two beats
    np.testing.assert_allclose(f[:, 5], np.cos(2 * np.pi * np.array([0, 0.25, 0.5, 2, 8, -2]) / 8), atol=1e-6)
    np.testing.assert_allclose(f[:, 6], np.exp(-0.5 * (np.array([0, 0.125, 0.25, 0, 0, 0]) / 0.05) ** 2), atol=1e-6)
    np.testing.assert_allclose(f[:, 7], 0.0, atol=1e-6)
    assert beat_features(times, beats, 240.0)[0, 7] == pytest.approx(1.0)


def test_the_count_offset_turns_the_count_of_eight_only() -> None:
    beats, times = 0.5 * np.arange(20), np.linspace(0, 9, 50)
    plain, turned = beat_features(times, beats, 120.0), beat_features(times, beats, 120.0, count_offset=2)
    np.testing.assert_allclose(plain[:, :4], turned[:, :4], atol=1e-5)
    np.testing.assert_allclose(turned[:, 4:6], beat_features(times + 1.0, beats, 120.0)[:, 4:6], atol=1e-5)


def test_few_beats_and_none() -> None:
    times = np.linspace(0, 3, 10)
    assert not beat_features(times, np.zeros(0), 120.0).any()
    assert not beat_features(times, np.array([1.0]), 0.0).any()
    one, many = beat_features(times, np.array([1.0]), 120.0), beat_features(times, 1.0 + 0.5 * np.arange(4), 120.0)
    np.testing.assert_allclose(one, many, atol=1e-6)
    assert beat_features(np.zeros(0), np.array([1.0, 2.0]), 60.0).shape == (0, 8)
    np.testing.assert_allclose(extend_beats(np.array([1.0, 1.5]), 120, 0.0, 3.0), np.arange(0.0, 3.1, 0.5))


def test_rhythm_hears_the_click_in_its_frame_and_nothing_else() -> None:
    song, beats = click_track(120.0, 8.0, first=0.2)
    rhythm = rhythm_features(song, RATE, 15)
    assert rhythm.shape == (120, 8) and rhythm.dtype == np.float32
    on = np.unique(np.round(beats * 15).astype(int))
    off = np.round((beats[:-1] + 0.25) * 15).astype(int)
    assert rhythm[on, 0].min() > 0.4 and rhythm[off, 0].max() < 0.1
    assert rhythm.min() >= 0 and rhythm.max() <= 1.5


def test_rhythm_tells_the_bands_apart() -> None:
    song = np.zeros(8 * RATE)
    place(song, sound("kick"), np.arange(0.2, 8, 1.0))
    place(song, sound("hat"), np.arange(0.7, 8, 1.0))
    rhythm = rhythm_features(song.astype(np.float32), RATE, 15)
    kick, hat = np.arange(3, 120, 15), np.round(np.arange(0.7, 8, 1.0) * 15).astype(int)
    assert rhythm[kick, 2].mean() > 3 * rhythm[hat, 2].mean()  # low energy
    assert rhythm[hat, 4].mean() > 3 * rhythm[kick, 4].mean()  # high energy
    assert rhythm[kick, 5].mean() > 3 * rhythm[hat, 5].mean()  # low onsets
    assert rhythm[hat, 7].mean() > 3 * rhythm[kick, 7].mean()  # high onsets


@pytest.mark.parametrize("gain_db", [-20.0, 6.0])
def test_louder_and_softer_songs_sound_the_same(gain_db: float) -> None:
    song, _ = drum_song(110.0, 8.0)
    a = build_music_encoder().encode(song, RATE)
    b = build_music_encoder().encode((song * 10 ** (gain_db / 20)).astype(np.float32), RATE)
    np.testing.assert_allclose(a.features, b.features, atol=0.02)
    np.testing.assert_allclose(a.beat_times, b.beat_times, atol=1e-3)


def test_noise_in_the_background_changes_little() -> None:
    song, _ = drum_song(110.0, 8.0)
    noisy = song + 0.002 * np.random.default_rng(0).standard_normal(len(song)).astype(np.float32)
    a, b = (build_music_encoder().encode(x, RATE) for x in (song, noisy))
    assert np.abs(a.tower("beats") - b.tower("beats")).mean() < 0.02
    assert np.abs(a.tower("rhythm") - b.tower("rhythm")).mean() < 0.06


def test_silence_gives_zeros() -> None:
    embedding = build_music_encoder().encode(np.zeros(3 * RATE, np.float32), RATE)
    assert embedding.features.shape == (45, 16) and not embedding.features.any()
    assert embedding.tempo == 0 and len(embedding.beat_times) == 0
    assert not embedding.section(0.5, 1.0).features.any()


def test_the_embedding_names_its_towers() -> None:
    song, _ = click_track(120.0, 4.0)
    embedding = build_music_encoder().encode(song, RATE)
    assert embedding.towers == ("beats", "rhythm") and embedding.widths == (8, 8)
    assert embedding.features.dtype == np.float32 and embedding.duration == pytest.approx(4.0)
    times = np.arange(60) / 15
    pulse = beat_features(times, embedding.beat_times, embedding.tempo, count_offset=embedding.first_count)
    np.testing.assert_array_equal(embedding.tower("beats"), pulse)
    with pytest.raises(KeyError):
        embedding.tower("clap")


@pytest.mark.parametrize("start", [0.0, 1.0, 2.517])
def test_a_section_keeps_the_beats_where_they_are(start: float) -> None:
    song, _ = click_track(100.0, 10.0)
    whole = build_music_encoder().encode(song, RATE)
    part = whole.section(start, 3.0)
    assert part.features.shape == (45, 16) and part.duration == 3.0
    inside = whole.beat_times[(whole.beat_times >= start) & (whole.beat_times < start + 3.0)]
    np.testing.assert_allclose(part.beat_times, inside - start)
    times = np.arange(45) / 15
    again = beat_features(times, part.beat_times, part.tempo, count_offset=part.first_count)
    np.testing.assert_allclose(part.tower("beats"), again, atol=0.02)  # the count of eight goes on
    if start == 1.0:
        np.testing.assert_allclose(part.features, whole.features[15:60], atol=1e-5)


def test_a_section_beyond_the_end_goes_on() -> None:
    song, _ = click_track(120.0, 3.0)
    part = build_music_encoder().encode(song, RATE).section(2.0, 2.0)
    assert part.features.shape == (30, 16)
    assert part.tower("beats")[:, 6].max() > 0.9 and part.tower("beats")[16:, 6].max() > 0.8
    with pytest.raises(ValueError, match="length"):
        part.section(0.0, 0.0)


def test_unknown_and_missing_towers_are_told(tmp_path) -> None:
    with pytest.raises(CheckpointError, match="no music tower"):
        build_tower("mood")
    with pytest.raises(CheckpointError, match="Wav2CLIP"):
        load_wav2clip(tmp_path)
    with pytest.raises(CheckpointError, match="wav2clip"):
        build_tower("wav2clip")


def published_names(network: Wav2Clip) -> dict[str, torch.Tensor]:
    """The network's tensors with what else the published file holds."""
    extra = {"audio_encoder.fc.weight": torch.zeros(10, 512), "audio_encoder.spectrogram.window": torch.zeros(512)}
    return {**network.state_dict(), **extra, "image_encoder.weight": torch.zeros(1)}


def test_wav2clip_has_the_published_layers() -> None:
    """Names and shapes that the paper's ResNet-18 and MLP have in the published checkpoint."""
    state = Wav2Clip().state_dict()
    assert state["audio_encoder.conv1.weight"].shape == (64, 1, 7, 7)
    assert state["audio_encoder.layer4.1.bn2.running_var"].shape == (512,)
    assert state["audio_encoder.layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert "audio_encoder.layer1.0.downsample.0.weight" not in state
    assert state["audio_transform.sequential.0.weight"].shape == (512, 512)
    assert state["audio_transform.sequential.3.bias"].shape == (512,)
    convolutions = sum(1 for key, value in state.items() if value.ndim == 4 and "downsample" not in key)
    assert convolutions == 17  # and one linear layer: 18


def test_wav2clip_weights_come_back_strictly(tmp_path) -> None:
    torch.manual_seed(0)
    one, other = Wav2Clip((4, 8), 1, 6), Wav2Clip((4, 8), 1, 6)
    tensors = published_names(one)
    load_weights(other, tensors)
    samples = torch.randn(2, 16000)
    torch.testing.assert_close(one.eval()(samples), other.eval()(samples))
    del tensors["audio_encoder.conv1.weight"]
    with pytest.raises(CheckpointError, match=r"audio_encoder\.conv1\.weight"):
        load_weights(other, tensors)


def test_wav2clip_never_unpickles_code(tmp_path) -> None:
    torch.save({"state_dict": {}, "model": Wav2Clip((4,), 1, 4)}, tmp_path / "Wav2CLIP.pt")
    with pytest.raises(CheckpointError, match="plain tensors"):
        load_wav2clip(tmp_path)


def test_wav2clip_tower_listens_around_each_frame() -> None:
    torch.manual_seed(0)
    tower = Wav2ClipTower(Wav2Clip((4, 8), 1, 6))
    song = np.zeros(4 * RATE, np.float32)
    song[2 * RATE :] = 0.3 * np.random.default_rng(0).standard_normal(2 * RATE)
    embedding = MusicEncoder([BeatsTower(), tower], 10.0).encode(song, RATE)
    assert embedding.features.shape == (40, 14) and embedding.towers == ("beats", "wav2clip")
    said = embedding.tower("wav2clip")
    quiet, loud = said[:12], said[28:32]
    assert np.ptp(quiet, axis=0).max() < 1e-4 < np.abs(loud.mean(0) - quiet.mean(0)).max()


@pytest.fixture
def transformers():
    """The library, with its torchvision made to import as the entry points do it."""
    ensure_torchvision_ops()
    return pytest.importorskip("transformers")


def test_missing_clap_weights_are_told(transformers, tmp_path) -> None:
    (tmp_path / "clap").mkdir()
    with pytest.raises(CheckpointError, match="CLAP"):
        load_clap(tmp_path / "clap")


def test_clap_tower_with_a_small_random_clap(transformers) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    audio = transformers.ClapAudioConfig(
        patch_embeds_hidden_size=8, depths=[1, 1], num_attention_heads=[2, 2], hidden_size=16, projection_dim=12
    )
    text = transformers.ClapTextConfig(**sizes, intermediate_size=16, vocab_size=50, projection_dim=12)
    config = transformers.ClapConfig(
        text_config=text.to_dict(), audio_config=audio.to_dict(), projection_dim=12, hidden_size=16
    )
    torch.manual_seed(0)
    tower = ClapTower(
        transformers.ClapModel(config), transformers.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad")
    )
    song, _ = drum_song(120.0, 4.0)
    said = MusicEncoder([tower], 5.0).encode(song, RATE).tower("clap")
    assert said.shape == (20, 12) and np.isfinite(said).all()
    np.testing.assert_allclose(np.linalg.norm(said[0]), 1.0, atol=1e-5)


def test_spread_is_linear_between_windows() -> None:
    np.testing.assert_allclose(
        spread(np.array([0.0, 1.0]), np.array([[0.0], [2.0]]), 5, 2.0)[:, 0], [0.0, 1.0, 2.0, 2.0, 2.0]
    )


def test_the_adapter_changes_only_learned_towers_and_learns() -> None:
    torch.manual_seed(0)
    adapter = MusicAdapter(("clap", "beats"), (24, 8), hidden=16, outputs=4)
    features = torch.randn(2, 7, 32)
    out = adapter(features)
    assert out.shape == (2, 7, adapter.out_width) == (2, 7, 12)
    torch.testing.assert_close(out[..., 4:], features[..., 24:])
    out.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in adapter.parameters())
