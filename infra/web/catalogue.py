"""The languages that pages speak. English is the source: every sentence is its own name in the catalogue.

A reader's language is the one they chose (a cookie), else the first of their browser's that there is.
"""

from functools import cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Final

from starlette.requests import Request

SOURCE: Final = "en"
# Each language that there is, by its code, as it calls itself.
LANGUAGES: Final[dict[str, str]] = {SOURCE: "English"}
COOKIE: Final = "rapport_language"
DOMAIN: Final = "rapport"
FOLDER: Final = Path(__file__).parent / "locale"


@cache
def catalogue(language: str) -> NullTranslations:
    """The sentences of a language; what it lacks is said in English."""
    return translation(DOMAIN, FOLDER, [language], fallback=True)


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
