"""Notes to sound by fluidsynth and a General MIDI soundfont (Debian: fluidsynth, fluid-soundfont-gm)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import numpy as np

from dabfusion.errors import UserError

if TYPE_CHECKING:
    from dabfusion.studio.music import Note

_FOLDERS = (Path("/usr/share/sounds/sf2"), Path("/usr/share/soundfonts"), Path("/usr/local/share/soundfonts"))
_CHANNELS = {"bass": 0, "chords": 1, "melody": 2}
_DRUM_CHANNEL = 9
_VOLUME = {"bass": 105, "chords": 68, "melody": 84}
#: One tick is a millisecond: the file's tempo does not matter, times are exact.
_TICKS_PER_BEAT, _MICROSECONDS_PER_BEAT = 500, 500_000
_TIMEOUT = 120
#: How late fluidsynth's file renderer sounds a note, seconds (measured with drums on version 2.3).
_LATENCY = 0.006


def find_soundfont() -> Path | None:
    """The first General MIDI soundfont of the system, or None."""
    found = sorted(p for folder in _FOLDERS if folder.is_dir() for p in folder.glob("*.sf2"))
    return found[0] if found else None


def available() -> bool:
    """Whether fluidsynth and a soundfont are installed."""
    return shutil.which("fluidsynth") is not None and find_soundfont() is not None


def write_midi(notes: Sequence[tuple[Note, float, float]], programs: dict[str, int], path: Path) -> None:
    """Writes notes with their start and length in seconds as a MIDI file."""
    events: list[tuple[int, int, mido.Message]] = []
    for note, start, length in notes:
        channel = _CHANNELS.get(note.part, _DRUM_CHANNEL)
        on, off = round(start * 1000), round((start + length) * 1000)
        pitch = int(np.clip(note.pitch, 0, 127))
        events.append(
            (on, 1, mido.Message("note_on", channel=channel, note=pitch, velocity=int(np.clip(note.velocity, 1, 127))))
        )
        events.append((max(off, on + 1), 0, mido.Message("note_off", channel=channel, note=pitch)))
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=_MICROSECONDS_PER_BEAT, time=0)])
    for part, channel in _CHANNELS.items():
        track.append(mido.Message("program_change", channel=channel, program=programs.get(part, 0), time=0))
        track.append(mido.Message("control_change", channel=channel, control=7, value=_VOLUME[part], time=0))
    now = 0
    for at, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=at - now))
        now = at
    mido.MidiFile(ticks_per_beat=_TICKS_PER_BEAT, tracks=[track]).save(path)


def render(
    notes: Sequence[tuple[Note, float, float]], programs: dict[str, int], seconds: float, sample_rate: int
) -> np.ndarray:
    """Mono sound (round(seconds * sample_rate),) float32 of notes with their start and length in seconds.

    Raises:
        UserError: fluidsynth or a soundfont is missing, or fluidsynth fails.
    """
    program, font = shutil.which("fluidsynth"), find_soundfont()
    if program is None or font is None:
        raise UserError(
            "fluidsynth or its soundfont is missing: install the packages fluidsynth and fluid-soundfont-gm."
        )
    with tempfile.TemporaryDirectory(prefix="dabfusion-song-") as folder:
        midi, sound = Path(folder, "song.mid"), Path(folder, "song.wav")
        write_midi(notes, programs, midi)
        command = [
            program,
            "-ni",
            "-q",
            "-g",
            "0.6",
            "-r",
            str(sample_rate),
            "-O",
            "s16",
            "-T",
            "wav",
            "-F",
            str(sound),
            str(font),
            str(midi),
        ]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT, stdin=subprocess.DEVNULL)
        except (subprocess.SubprocessError, OSError) as error:
            raise UserError(f"fluidsynth could not render the song: {error}") from error
        with wave.open(str(sound)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    mono = samples.mean(1).astype(np.float32)[round(_LATENCY * sample_rate) :] / 32768
    length = round(seconds * sample_rate)
    return np.pad(mono[:length], (0, max(0, length - len(mono))))
