"""Private topics are found in a text as if each were looked for, however many there are."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.relationship import privacy
from domain.relationship.privacy import FIRST_WORDS, PrivateTopics, normal

WORDS = st.lists(st.sampled_from(["a", "b", "c", "ab"]), max_size=9).map(" ".join)


@given(st.frozensets(WORDS, max_size=6), WORDS)
def test_a_text_is_touched_as_a_look_at_each_topic_says(topics: frozenset[str], text: str) -> None:
    expected = any(f" {topic} " in f" {text} " for topic in topics)
    assert PrivateTopics.of(topics).touched_by(text) == expected


@pytest.mark.parametrize(
    "topic,text,touched",
    [
        ("My divorce", "about MY DIVORCE, again", True),
        ("my divorce", "my_divorce", True),
        ("my divorce", "my divorces", False),
        ("Straße", "die STRASSE", True),
        ("a b c d e", "x a b c d e y", True),
        ("a b c d e", "x a b c d y", False),
        ("e", "a b c d e", True),
    ],
)
def test_case_and_punctuation_count_for_nothing_and_words_are_whole(topic: str, text: str, touched: bool) -> None:
    assert PrivateTopics.of([normal(topic)]).touched_by(normal(text)) == touched


def test_every_character_is_a_letter_or_digit_or_a_space() -> None:
    for code in range(0, sys.maxunicode + 1, 7):
        character = chr(code)
        folded = character.casefold()
        expected = " ".join("".join(each if each.isalnum() else " " for each in folded).split())
        assert normal(character) == expected


def test_a_text_is_looked_at_a_few_times_however_many_topics_there_are() -> None:
    private = PrivateTopics.of([f"topic {number}" for number in range(5000)] + ["one two three four five six"])
    assert set(private.by_beginning) == {2, FIRST_WORDS}
    assert not private.touched_by("topic " * 20_000)
    assert private.touched_by("topic 4999")
    assert privacy.FIRST_WORDS < 6
