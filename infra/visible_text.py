r"""Text of anybody made safe to show: what a terminal would obey or hide becomes an escape that a person can read.

Control characters (C0, DEL, C1) move cursors, set titles and erase lines; bidi marks turn text around; zero-width
characters hide in it; line ends forge lines of ours. All of them are shown as Python writes them: `\x1b`, `\u202e`, `\n`.
Letters that the output's encoding lacks are shown the same way, so that a list is printed on every terminal.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Control, format, lone surrogate, line separator, paragraph separator.
HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# In JSON such characters stand within strings alone, where an escape means the same.
_IN_JSON: Final = re.compile("[\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0001-\U000e007f]")  # fmt: skip


def visible(text: str, encoding: str = "utf-8") -> str:
    """The text with everything escaped that is no plain character, or that the encoding lacks."""
    if not text.isprintable():
        text = "".join(map(_shown, text))
    if text.isascii() or encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def visible_lines(text: str, encoding: str = "utf-8") -> str:
    """The same of a text that has lines of its own, such as a traceback: its line feeds stay."""
    return "\n".join(visible(line, encoding) for line in text.split("\n"))


def visible_json(text: str, encoding: str = "utf-8") -> str:
    """JSON that means the same and holds no character that a terminal obeys or hides, nor one that the encoding lacks."""
    text = _IN_JSON.sub(lambda found: _json_escape(found[0]), text)
    if text.isascii() or encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        return text
    return "".join(char if char.isascii() else _json_escape(char) for char in text)


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    if unicodedata.category(char) not in HIDDEN:
        return char
    if char in "\t\n\r":
        return {"\t": r"\t", "\n": r"\n", "\r": r"\r"}[char]
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
