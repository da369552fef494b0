"""The sentence for a name that stands for one of a few things, and is none of theirs: what may have been meant, and all there are."""

from collections.abc import Iterable
from difflib import get_close_matches


def unknown_name(what: str, name: str, known: Iterable[str]) -> str:
    """Say that there is no such thing, which one may have been meant, and which there are."""
    names = list(known)
    near = get_close_matches(name.lower(), names, n=1)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"no {what} {name!r}{meant or ';'} there are {', '.join(names)}"
