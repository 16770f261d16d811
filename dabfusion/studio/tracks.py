"""The notation that moves are written in: one string per layer of the body, keyframes on dance counts.

A layer is a string of keys ``count:value``, for example ``"1:down 2:up! 3.5:chest 5:.4,.2,.5"``:

- counts run from 1; ``1.5`` is the "and" after 1; 9 is the 1 of the next eight;
- a value is a named position of its layer or numbers with commas; missing last numbers are the layer's neutral ones;
- ``=`` repeats the key before it: the layer holds;
- a key on a whole count stops there (that puts a dancer on the beat); a key on an "and" is passed through;
  ``~`` after the value passes through on a count too, ``!`` arrives early and holds (a hit), ``.`` stops on an "and".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: How a key is reached: passed through, stopped at, or hit (fast attack, then hold).
THROUGH, STOP, HIT = 0, 1, 2
_MARKS = {"~": THROUGH, ".": STOP, "!": HIT}
#: Share of the way between two hits that is spent moving.
_ATTACK = 0.72


@dataclass(frozen=True)
class Key:
    """One keyframe: where a layer is at a count (from 1), and how it gets there."""

    count: float
    value: tuple[float, ...]
    kind: int


@dataclass(frozen=True)
class Layer:
    """A part of the body that moves by itself: its neutral value and its named positions."""

    name: str
    neutral: tuple[float, ...]
    names: dict[str, tuple[float, ...]]
    #: Indices of the numbers that change sign in a mirror.
    sided: tuple[int, ...] = ()

    def fill(self, value: tuple[float, ...]) -> tuple[float, ...]:
        """The value with its missing trailing numbers taken from the neutral one."""
        return value + self.neutral[len(value) :]

    def parse(self, text: str) -> tuple[Key, ...]:
        """Keys of a layer's string.

        Raises:
            ValueError: a name is unknown, or a key has too many numbers.
        """
        keys: list[Key] = []
        for token in text.split():
            keys.append(self._key(token, keys[-1].value if keys else self.neutral))
        return tuple(keys)

    def _key(self, token: str, before: tuple[float, ...]) -> Key:
        count, _, word = token.partition(":")
        at = float(count)
        kind = STOP if at == int(at) else THROUGH
        if word[-1:] in _MARKS and not (word[-1] == "." and word[:-1] not in self.names):
            kind, word = _MARKS[word[-1]], word[:-1]
        if word == "=":
            return Key(at, before, kind)
        if word in self.names:
            return Key(at, self.fill(self.names[word]), kind)
        try:
            value = tuple(float(number) for number in word.split(","))
        except ValueError:
            raise ValueError(f"Layer {self.name!r} has no position {word!r}; it knows {sorted(self.names)}.") from None
        if len(value) > len(self.neutral):
            raise ValueError(f"Layer {self.name!r} takes {len(self.neutral)} numbers, not {len(value)}: {token!r}.")
        return Key(at, self.fill(value), kind)

    def mirror(self, keys: tuple[Key, ...]) -> tuple[Key, ...]:
        """The same keys seen in a mirror (sided numbers change sign)."""
        return tuple(
            Key(k.count, tuple(-v if i in self.sided else v for i, v in enumerate(k.value)), k.kind) for k in keys
        )


def positions(name: str, neutral: tuple[float, ...], text: str, sided: tuple[int, ...] = ()) -> Layer:
    """A layer whose named positions are written as ``name:number,number`` with spaces between them."""
    words = (word.partition(":") for word in text.split())
    return Layer(
        name, neutral, {word: tuple(float(n) for n in numbers.split(",")) for word, _, numbers in words}, sided
    )


def sample(keys: list[Key], counts: np.ndarray) -> np.ndarray:
    """Values of a track at the given counts.

    Between two keys the track is a cubic with the keys' speeds: zero at a stop, a finite difference where it passes
    through, so that the body comes to rest on the beats and flows through the "ands". Around a hit it rests longer.

    Args:
        keys: sorted by count, at least one.
        counts: (F,) where to sample; outside of the keys the track holds still.

    Returns:
        (F, number of values).
    """
    at = np.array([k.count for k in keys])
    value = np.array([k.value for k in keys])
    if len(keys) == 1:
        return np.repeat(value, len(counts), 0)
    kind = np.array([k.kind for k in keys])
    speed = np.zeros_like(value)
    span = (at[2:] - at[:-2])[:, None].clip(1e-6)
    speed[1:-1] = (value[2:] - value[:-2]) / span * (kind[1:-1, None] == THROUGH)
    i = np.searchsorted(at, counts, side="right").clip(1, len(keys) - 1) - 1
    width = at[i + 1] - at[i]
    u = ((counts - at[i]) / width).clip(0, 1)
    before, after = (((1 - _ATTACK) / 2 * (kind[k] == HIT)) for k in (i, i + 1))
    u = ((u - before) / (1 - before - after)).clip(0, 1)[:, None]
    h = width[:, None]
    return (
        value[i] * (2 * u**3 - 3 * u**2 + 1)
        + speed[i] * h * (u**3 - 2 * u**2 + u)
        + value[i + 1] * (3 * u**2 - 2 * u**3)
        + speed[i + 1] * h * (u**3 - u**2)
    )
