"""The drawing of the rooms in docs/explanation/architecture.md: what imports what, made from the imports themselves.

A room is a package, or a folder of infra or of the domain. An arrow stands for at least one import. `python -m
infra.reference.pages` draws it anew, and its `--check` fails when the drawing and the imports differ.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

PACKAGES: Final = ("infra", "workers", "projections", "domain")
PAGE: Final = Path(__file__).parents[2] / "docs" / "explanation" / "architecture.md"
BEGIN: Final = "<!-- The drawings are made by `python -m infra.reference.pages`. -->\n"
END: Final = "<!-- End of the drawings. -->\n"
Arrow = tuple[str, str]


def page() -> str:
    """Return the page about the architecture with its drawings made anew; the rest of it is written by hand.

    Raises:
        ValueError: The page has lost one of the two marks that the drawings stand between.
    """
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE}: expected the drawings between {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + "\n".join(_drawings()) + "\n" + END + after


@cache
def imports() -> frozenset[Arrow]:
    """Return every import of one module of ours by another, as the sources have them."""
    # Only development installs grimp, which reads the whole tree.
    import grimp

    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    return frozenset(
        (module, imported) for module in graph.modules for imported in graph.find_modules_directly_imported_by(module)
    )


def arrows(depth: int, package: str = "") -> set[Arrow]:
    """Return which room imports which: the packages at depth 1, at depth 2 the folders inside one of them."""
    rooms = {(_room(start, depth), _room(end, depth)) for start, end in imports() if start.startswith(package)}
    within = ((start, end) for start, end in rooms if start != end and end.startswith(package))
    return {(start, end) for start, end in within if _is_folder(start) and _is_folder(end)}


def _drawings() -> Iterator[str]:
    yield from _drawing(arrows(1))
    for package in ("infra", "domain"):
        yield f"\nThe folders of `{package}/`; the files beside them are left out, since most folders use them:\n"
        yield from _drawing(arrows(2, f"{package}."))


def _drawing(found: set[Arrow]) -> Iterator[str]:
    yield "```mermaid\nflowchart TD"
    for start, end in sorted(found):
        yield f"    {start.rpartition('.')[2]} --> {end.rpartition('.')[2]}"
    yield "```"


def _room(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def _is_folder(room: str) -> bool:
    return (Path(__file__).parents[2] / Path(*room.split("."))).is_dir()
