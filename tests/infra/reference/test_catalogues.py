"""The catalogues of the pages: every sentence has its translation, and the files are what the code makes of them."""

import pytest

from infra.problem_codes import CODES
from infra.reference.catalogues import LANGUAGES, compiled, found, merged, missing, po_of, untranslated, written, wrong
from infra.web.catalogue import LANGUAGES as SPOKEN
from infra.web.catalogue import SOURCE, catalogue
from infra.web.vocabulary import PROBLEMS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_and_word_is_translated_and_the_files_are_up_to_date(language: str) -> None:
    assert wrong(language) == []


def test_every_language_that_pages_offer_has_a_catalogue() -> None:
    assert {SOURCE, *LANGUAGES} == set(SPOKEN)
    assert len(list(found())) > 500


def test_a_sentence_without_a_translation_is_named() -> None:
    one = merged("de")
    one.add("This sentence is new")
    assert list(missing(one)) == ["This sentence is new"]
    assert "infra/web/locale/de/LC_MESSAGES/rapport.po" in untranslated("de", "This sentence is new")
    assert written(one) != po_of("de").read_bytes()
    assert compiled(merged("de")) == po_of("de").with_suffix(".mo").read_bytes()


def test_a_word_that_begins_a_line_is_found_by_its_small_letter() -> None:
    german = catalogue("de")
    assert german.gettext("late reschedules") == "späte Verlegungen"
    assert german.gettext("Late reschedules") == "Späte Verlegungen"
    assert german.gettext("Nobody says this anywhere") == "Nobody says this anywhere"


def test_the_reasons_of_refusals_that_auditors_read_are_all_in_the_catalogue() -> None:
    assert set(PROBLEMS) == {code for code, each in CODES.items() if each.speaker in {"rules", "record", "sender"}}
