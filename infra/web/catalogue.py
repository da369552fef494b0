"""The languages that pages speak. English is the source: every sentence is its own name in the catalogue.

A reader's language is the one they chose (a cookie), else the first of their browser's that there is.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations, translation
from pathlib import Path
from typing import Final

from starlette.requests import Request

from infra.web.refusals import translated

SOURCE: Final = "en"
# Each language that there is, by its code, as it calls itself.
LANGUAGES: Final[dict[str, str]] = {SOURCE: "English", "de": "Deutsch"}
COOKIE: Final = "rapport_language"
DOMAIN: Final = "rapport"
# `infra.reference.catalogues` makes what is in it.
FOLDER: Final = Path(__file__).parent / "locale"


class Sentences(GNUTranslations):
    """The sentences of a language. A word that begins a line is found by its small letter too: `goal agreed` gives `Goal agreed`.

    A refusal is found by its shape, whatever values it has.
    """

    def gettext(self, message: str) -> str:
        """The sentence in this language; in English where there is none."""
        found = super().gettext(message)
        if found != message:
            return found
        if not message[:1].isupper():
            return translated(message, super().gettext)
        small = message[0].lower() + message[1:]
        other = super().gettext(small)
        return translated(message, super().gettext) if other == small else other[:1].upper() + other[1:]


@cache
def catalogue(language: str) -> NullTranslations:
    """The sentences of a language; what it lacks is said in English."""
    if language == SOURCE:
        return NullTranslations()
    return translation(DOMAIN, FOLDER, [language], class_=Sentences)


def language_of(request: Request) -> str:
    """The language of a reader."""
    if (chosen := request.cookies.get(COOKIE)) in LANGUAGES:
        return str(chosen)
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """The language that a browser likes best among those that there are."""
    best, quality = SOURCE, 0.0
    for place in header[:500].split(","):
        name, _, parameters = place.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        liked = _quality(parameters)
        if language in LANGUAGES and liked > quality:
            best, quality = language, liked
    return best


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
