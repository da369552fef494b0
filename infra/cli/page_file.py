"""An answer in a file: a page to read (.html) or JSON for programs (.json)."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from infra.cli.output import json_text

if TYPE_CHECKING:
    from infra.pages.page import Template


def page_path(text: str) -> Path:
    """The file to write; an ending that says neither page nor JSON ends the command with exit code 2."""
    path = Path(text)
    if path.suffix.lower() not in {".html", ".json"}:
        raise typer.BadParameter(f"{text!r} says neither page nor JSON: expected a name that ends in .html or .json")
    return path


def write_page(template: "Template", answer: Mapping[str, Any], path: Path) -> None:
    """Write the answer; the file is there whole or not at all, and for its owner alone.

    Raises:
        OSError: It can't be written.
    """
    from infra.pages.page import page
    from infra.whole_file import whole_file

    written = page(template, answer) if path.suffix.lower() == ".html" else json_text(answer).encode() + b"\n"
    with whole_file(path) as out:
        out.write(written)
