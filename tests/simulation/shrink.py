"""Makes a failing story as short as it can be: takes parts out, by halves and one by one, while it still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from attrs import evolve, fields

from .run import play
from .story import Run, Setting, Step, Story

#: Stories that are tried at most.
_MOST: Final = 300


def shrink(story: Story, fails: Callable[[Story], bool]) -> Story:
    """Return the shortest story found that still fails.

    Args:
        story: One that fails.
        fails: Whether a story fails in the same way.
    """
    tries = 0
    progress = True
    while progress and tries < _MOST:
        progress = False
        for candidate in _smaller(story):
            tries += 1
            if fails(candidate):
                story, progress = candidate, True
                break
            if tries >= _MOST:
                break
    return story


def shrunk(story: Story, promise: str) -> Story:
    """Return the shortest story found that breaks the same promise."""

    def fails(candidate: Story) -> bool:
        return any(violation.promise == promise for violation in play(candidate).violations)

    return shrink(story, fails)


def _smaller(story: Story) -> Iterator[Story]:
    steps = story.steps
    size = len(steps) // 2
    while size >= 1:
        for start in range(0, len(steps), size):
            yield evolve(story, steps=steps[:start] + steps[start + size :])
        size //= 2
    for place, step in enumerate(steps):
        if isinstance(step, Run):
            for less in _calmer(step):
                yield evolve(story, steps=(*steps[:place], less, *steps[place + 1 :]))
    for setting in _plainer(story.setting):
        yield evolve(story, setting=setting)


def _calmer(run: Run) -> Iterator[Step]:
    if run.kill is not None:
        yield evolve(run, kill=None)
    for name in ("faults", "meanwhile"):
        parts = getattr(run, name)
        for place in range(len(parts)):
            yield evolve(run, **{name: parts[:place] + parts[place + 1 :]})
    for place, fault in enumerate(run.faults):
        if fault.times > 1:
            less = evolve(fault, times=1)
            yield evolve(run, faults=(*run.faults[:place], less, *run.faults[place + 1 :]))


def _plainer(setting: Setting) -> Iterator[Setting]:
    usual = Setting()
    for name in (attribute.name for attribute in fields(Setting)):
        if getattr(setting, name) != getattr(usual, name):
            yield evolve(setting, **{name: getattr(usual, name)})
