"""The catalogues of the pages: the sentences of templates and code are found, translations merged and compiled; with `--check`, whether all is.

    python -m infra.reference.catalogues

`infra/web/locale/LANGUAGE/LC_MESSAGES/rapport.po` is what translators edit, `rapport.mo` what pages read. Beside the sentences that stand in templates
and code, the words of closed vocabularies are in it: types of events and commands, states, terms, and the rules of clauses.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from infra.web.catalogue import DOMAIN, FOLDER, SOURCE
from infra.web.catalogue import LANGUAGES as SPOKEN
from infra.web.vocabulary import vocabulary

WEB: Final = Path(__file__).parents[1] / "web"
LANGUAGES: Final = tuple(language for language in SPOKEN if language != SOURCE)
_HEADER: Final = "# Translations of the pages of Rapport. `make messages` finds what is new and compiles this file."
_METHODS: Final = [("**.py", "python"), ("**.j2", "jinja2")]
_OPTIONS: Final = {
    "**.j2": {"trimmed": "true", "newstyle_gettext": "true", "silent": "false", "extensions": "jinja2.ext.i18n"}
}
_KEYWORDS: Final = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def found() -> Any:
    """All sentences and words that pages may say, as a catalogue of Babel without translations."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract_from_dir

    template = Catalog(charset="utf-8", header_comment=_HEADER)
    for file, _line, message, comments, context in extract_from_dir(
        str(WEB), method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    ):
        template.add(message, None, [(file, 0)], auto_comments=comments, context=context)
    for word, where in vocabulary():
        template.add(word, None, [(where, 0)])
    return template


def po_of(language: str) -> Path:
    """The file of a language that translators edit."""
    return FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def merged(language: str) -> Any:
    """The catalogue of a language with what is found today; what nothing says any more is left out."""
    from babel.messages.catalog import Catalog
    from babel.messages.pofile import read_po

    file = po_of(language)
    if file.is_file():
        with file.open("rb") as opened:
            catalogue = read_po(opened, locale=language, domain=DOMAIN)
    else:
        catalogue = Catalog(language, DOMAIN, charset="utf-8")
    catalogue.update(found(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        # "95 % interval" is no format.
        if message.id and "%(" not in str(message.id):
            message.flags.discard("python-format")
    catalogue.header_comment = _HEADER
    return catalogue


def written(catalogue: Any) -> bytes:
    """A catalogue as a file for translators: in the order of the sentences, without lines of code or dates that change each time."""
    from babel.messages.pofile import write_po

    out = BytesIO()
    write_po(out, catalogue, width=120, no_location=True, sort_output=True, omit_header=True)
    about = "".join(f'"{name}: {value}\\n"\n' for name, value in _about(catalogue).items())
    return f'{_HEADER}\nmsgid ""\nmsgstr ""\n{about}\n'.encode() + out.getvalue()


def _about(catalogue: Any) -> dict[str, str]:
    return {
        "Language": str(catalogue.locale),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalogue.plural_forms,
    }


def compiled(catalogue: Any) -> bytes:
    """A catalogue as pages read it; it says nothing of when or by what it was made, so the same words give the same bytes."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo

    class Still(Catalog):
        @property  # type: ignore[misc]
        def mime_headers(self) -> list[tuple[str, str]]:
            return list(_about(self).items())

    still = Still(catalogue.locale, charset="utf-8")
    for message in catalogue:
        if message.id:
            still.add(message.id, message.string)
    out = BytesIO()
    write_mo(out, still)
    return out.getvalue()


def missing(catalogue: Any) -> Iterator[str]:
    """The sentences without a translation."""
    for message in catalogue:
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and (not all(texts) or message.fuzzy):
            yield message.id[0] if isinstance(message.id, tuple | list) else message.id


def untranslated(language: str, sentence: str) -> str:
    """That a sentence has no translation, and where to write it."""
    file = po_of(language).relative_to(WEB.parents[1])
    return f"no translation into {language}: {sentence!r}; write it into {file} and run `make messages`"


def wrong(language: str) -> list[str]:
    """What is wrong with the files of a language: sentences that are not translated, and files that are not up to date."""
    catalogue = merged(language)
    problems = [untranslated(language, sentence) for sentence in missing(catalogue)]
    problems += [f"{message.id!r}: {error}" for message, errors in catalogue.check() for error in errors]
    po = po_of(language)
    for file, content in ((po, written(catalogue)), (po.with_suffix(".mo"), compiled(catalogue))):
        if not file.is_file() or file.read_bytes() != content:
            problems.append(f"{file.relative_to(WEB.parents[1])} is out of date; run `make messages`")
    return problems


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` say what is wrong with them; exit 1 if anything is."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m infra.reference.catalogues [--check]\n")
        return 2
    if not arguments:
        for language in LANGUAGES:
            catalogue = merged(language)
            po = po_of(language)
            po.parent.mkdir(parents=True, exist_ok=True)
            po.write_bytes(written(catalogue))
            po.with_suffix(".mo").write_bytes(compiled(catalogue))
    problems = [problem for language in LANGUAGES for problem in wrong(language)]
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
