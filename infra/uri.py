"""URIs and references to them, as RFC 3986 (appendix A) writes them: sources of CloudEvents are such."""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

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
