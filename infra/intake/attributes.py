"""The attributes of a CloudEvent beside its data: which may be there, and what their values look like.

Rapport knows some extensions; others may come with a message (`partitionkey`, `sequence`): they are taken, but neither
recorded nor part of its content. One that looks like a known one is a mistake of its sender, who would otherwise believe that it counted.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Any, Final

from domain.form import nearest
from domain.problem import Problem

# --- names and values of extensions -------------------------------------------------------------------------------
_NAME: Final = re.compile("[a-z0-9]+")
# How alike a name must be to one that counts: `corelationid` is, `partitionkey` and `datacontentencoding` are not.
_ALIKE: Final = 0.84
# And to one that must be there and is not, so that the message is invalid in any case.
_NEARLY_ALIKE: Final = 0.75


def strangers(read: dict[str, Any], known: Collection[str], required: Collection[str]) -> list[Problem]:
    """Take null attributes and unknown extensions out of a message; the problems of what can be no extension."""
    problems = []
    for name, value in list(read.items()):
        if value is None:
            del read[name]
        elif name not in known:
            del read[name]
            # Something like a required name stands in for it only where that is missing.
            missing = tuple(each for each in known if each in required and read.get(each) is None)
            optional = tuple(each for each in known if each not in required)
            meant = nearest(name, optional, _ALIKE) or nearest(name, missing, _NEARLY_ALIKE)
            if (problem := _stranger(name, value, meant)) is not None:
                problems.append(problem)
    return problems


def _stranger(name: str, value: Any, meant: str | None) -> Problem | None:
    if meant is not None:
        return Problem("unknown_field", f"expected no such attribute; did you mean {meant}?", field=name)
    if not _NAME.fullmatch(name):
        sentence = "expected the name of an extension to have lower-case letters and digits alone"
        return Problem("unknown_field", sentence, field=name)
    if not isinstance(value, str | bool | int):
        sentence = "expected the value of an extension to be a text, a whole number, true or false"
        return Problem("bad_value", sentence, field=name)
    return None


# --- texts --------------------------------------------------------------------------------------------------------
def printable(text: str) -> str:
    """CloudEvents lets no control character into an attribute; a line feed in an id would forge a line of what is printed."""
    if not text.isprintable() and any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError("expected no control character")
    return text


# --- media types --------------------------------------------------------------------------------------------------
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = rf"""[ \t]*;[ \t]*({_WORD})=({_WORD}|"[^"\\\x00-\x1f]*")"""
_JSON: Final = re.compile(rf"({_WORD})/(?:json|{_WORD}\+json)((?:{_PARAMETER})*)[ \t]*", re.IGNORECASE)
_PARAMETERS: Final = re.compile(_PARAMETER)


def json_media_type(text: str) -> str:
    """A media type whose subtype is json or ends in +json; where it names a charset, that is UTF-8, for JSON has no other."""
    found = _JSON.fullmatch(text)
    if found is None:
        raise ValueError("expected a JSON media type such as application/json")
    for name, value in _PARAMETERS.findall(found[2]):
        if name.lower() == "charset" and value.strip('"').lower() != "utf-8":
            raise ValueError("expected charset=utf-8 or no charset: JSON has no other")
    return text


# --- URIs (RFC 3986, appendix A) ----------------------------------------------------------------------------------
_CHARACTER: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})"
_IN_PATH: Final = rf"(?:{_CHARACTER}|[:@])"
_ADDRESS: Final = r"\[(?P<address>[0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\]"
_AUTHORITY: Final = rf"//(?:(?:{_CHARACTER}|:)*@)?(?:{_ADDRESS}|{_CHARACTER}*)(?::[0-9]*)?"
_FROM_ROOT: Final = rf"/(?:{_IN_PATH}+(?:/{_IN_PATH}*)*)?"
_ENDING: Final = rf"(?:\?(?:{_IN_PATH}|[/?])*)?(?:\#(?:{_IN_PATH}|[/?])*)?"
_URI: Final = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{_AUTHORITY}(?:/{_IN_PATH}*)*|{_FROM_ROOT}|{_IN_PATH}+(?:/{_IN_PATH}*)*|){_ENDING}"
)
_RELATIVE: Final = re.compile(
    rf"(?:{_AUTHORITY}(?:/{_IN_PATH}*)*|{_FROM_ROOT}|(?:{_CHARACTER}|@)+(?:/{_IN_PATH}*)*|){_ENDING}"
)


def uri(text: str) -> str:
    """A URI, which begins with its scheme."""
    if not _fits(text, (_URI,)):
        raise ValueError("expected a URI such as https://example.com/schema")
    return text


@lru_cache(maxsize=1024)
def uri_reference(text: str) -> str:
    """A URI, or one relative to another: a path such as /services/booking."""
    if not _fits(text, (_URI, _RELATIVE)):
        sentence = "expected a URI reference such as /services/booking, without spaces and with other than ASCII as %XX"
        raise ValueError(sentence)
    return text


def _fits(text: str, forms: Iterable[re.Pattern[str]]) -> bool:
    found = next((match for form in forms if (match := form.fullmatch(text))), None)
    if found is None:
        return False
    address = found["address"]
    if address is None or address[0] in "vV":
        return True
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return True
