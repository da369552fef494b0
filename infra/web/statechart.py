"""The statechart of a relationship as a drawing: its states in a row, and the commands that lead from one to another.

It is drawn from the chart that decides (`domain.relationship.lifecycle`), so it can't say anything else. What stays inside a state is no
arrow but a list under it.
"""

from collections import defaultdict
from typing import Final, NamedTuple

from domain.relationship.lifecycle import CREATION, TABLE, Lifecycle
from domain.words import STATUSES

BOX_WIDTH, BOX_HEIGHT, GAP = 150, 48, 90
MARGIN: Final = 20
# How high an arc goes for each state that it passes.
RISE: Final = 62
TEXT_HEIGHT: Final = 16
# A curve of this kind goes three quarters of the way to its handles.
CURVE: Final = 0.75


class Box(NamedTuple):
    """A state: its name, where it stands, and the commands that stay inside it."""

    name: str
    x: int
    y: int
    inside: tuple[str, ...]


class Arrow(NamedTuple):
    """A way from one state to another: the line, where its label stands, and the commands that take it."""

    source: str
    target: str
    path: str
    x: int
    y: int
    commands: tuple[str, ...]


class Drawing(NamedTuple):
    """All of the chart. `creation` is the command that begins it, in the first state."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    creation: str
    initial: str


def drawing() -> Drawing:
    """The chart as it is declared."""
    inside: defaultdict[str, list[str]] = defaultdict(list)
    between: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (state, command), step in TABLE.items():
        if step.target == state:
            inside[state].append(command)
        else:
            between[state, step.target].append(command)
    furthest = max(len(STATUSES) - 1, 1)
    middle = MARGIN + round(CURVE * furthest * RISE) + TEXT_HEIGHT
    boxes = tuple(
        Box(name, MARGIN + place * (BOX_WIDTH + GAP), middle, tuple(sorted(inside[name])))
        for place, name in enumerate(STATUSES)
    )
    by_name = {box.name: box for box in boxes}
    arrows = tuple(
        _arrow(by_name[source], by_name[target], tuple(sorted(commands)))
        for (source, target), commands in between.items()
    )
    return Drawing(
        width=2 * MARGIN + len(boxes) * BOX_WIDTH + (len(boxes) - 1) * GAP,
        height=middle + BOX_HEIGHT + round(CURVE * RISE) + TEXT_HEIGHT + MARGIN,
        boxes=boxes,
        arrows=arrows,
        creation=CREATION,
        initial=str(next(state.id for state in Lifecycle.states if state.initial)),
    )


def _arrow(source: Box, target: Box, commands: tuple[str, ...]) -> Arrow:
    """An arc over the boxes where it leads on, under them where it leads back."""
    steps = round((target.x - source.x) / (BOX_WIDTH + GAP))
    on = steps > 0
    # Arcs that end in one box come in side by side, the widest outermost.
    share = BOX_WIDTH * (0.5 + 0.12 * abs(steps)) if on else BOX_WIDTH * 0.5
    begin = source.x + round(share if on else BOX_WIDTH * 0.35)
    end = target.x + round(BOX_WIDTH - share if on else BOX_WIDTH * 0.65)
    edge = source.y if on else source.y + BOX_HEIGHT
    rise = -RISE * abs(steps) if on else RISE * abs(steps)
    path = f"M {begin} {edge} C {begin} {edge + rise}, {end} {edge + rise}, {end} {edge}"
    return Arrow(source.name, target.name, path, (begin + end) // 2, edge + round(CURVE * rise), commands)
