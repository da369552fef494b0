"""Whether a text touches a topic that the mentee keeps private (leapfrog.privacy): it has the topic's words, one after the other.

There may be a thousand topics and a quarter of a megabyte of text, so each word of a text is looked at a few times however
many topics there are.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from domain.content import is_erased

_OTHER: Final = re.compile(r"[\W_]+")
# Topics are found by so many of their first words, and only those found are compared whole.
FIRST_WORDS: Final = 4


def normal(text: str) -> str:
    """A text as topics are compared: case folded, every run of other than letters and digits one space.

    One that can't be read any more stays as it is: it has no words to be found in another.
    """
    if is_erased(text):
        return text
    return _OTHER.sub(" ", text.casefold()).strip()


class PrivateTopics(NamedTuple):
    """Topics by their first words: for each number of words up to `FIRST_WORDS`, the beginnings and the topics that have them."""

    by_beginning: Mapping[int, Mapping[str, Sequence[str]]]

    @classmethod
    def of(cls, topics: Iterable[str]) -> "PrivateTopics":
        """The topics so arranged; they are normal already (`normal`)."""
        found: dict[int, dict[str, list[str]]] = {}
        for topic in topics:
            words = topic.split(" ", FIRST_WORDS)[:FIRST_WORDS]
            found.setdefault(len(words), {}).setdefault(" ".join(words), []).append(topic)
        return cls(found)

    def touched_by(self, text: str) -> bool:
        """Whether a normal text has the words of any of the topics, one after the other."""
        words = text.split(" ")
        whole = f" {text} "
        for count, topics in self.by_beginning.items():
            beginnings = {" ".join(words[start : start + count]) for start in range(len(words) - count + 1)}
            for beginning in topics.keys() & beginnings:
                if any(f" {topic} " in whole for topic in topics[beginning]):
                    return True
        return False
