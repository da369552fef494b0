"""The file of a bundle: a zip whose every byte follows from its members, with a signed manifest of them.

The members are stored one after the other as they are, so that the same members make the same file. Who checks a bundle makes
the file again and compares all of it: no byte of it is outside the evidence.
"""

import zipfile
from collections.abc import Mapping, Sequence
from hashlib import sha256
from io import BytesIO
from typing import Final

from infra.evidence.note import BadNote, Note, Signer, Verifier

FORMAT: Final = "rapport-bundle/1"
MANIFEST: Final = "MANIFEST"
MOST_MEMBERS: Final = 50
# The earliest that a zip can say: the time of a bundle stands in its members.
NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
UNIX: Final = 3
OWNER_READS: Final = 0o100600 << 16


class BadBundle(ValueError):
    """A file is no bundle, or one that was changed; the message says how."""


def packed(subject: str, members: Mapping[str, bytes], signer: Signer) -> bytes:
    """The file of these members, with a manifest that the key signs."""
    manifest = signer.signed(Note(manifest_text(subject, members)))
    return _zipped({MANIFEST: bytes(manifest), **members})


def unpacked(raw: bytes, verifier: Verifier) -> tuple[str, dict[str, bytes]]:
    """The subject and the members of a bundle whose manifest the key signed.

    Raises:
        BadBundle: It is none, or something in it was changed, left out, doubled, added or put in another order.
    """
    members = _members(raw)
    manifest = members.pop(MANIFEST, None)
    if manifest is None:
        raise BadBundle(f"the file has no member {MANIFEST}")
    try:
        note = Note.parse(manifest)
        verifier.check(note)
    except BadNote as error:
        raise BadBundle(f"the manifest can't be trusted: {error}") from None
    subject, listed = _manifest(note.text)
    _compare(listed, members)
    if note.text != manifest_text(subject, members) or _zipped({MANIFEST: manifest, **members}) != raw:
        raise BadBundle("the file is not the one that its members make: something around them was changed")
    return subject, members


def manifest_text(subject: str, members: Mapping[str, bytes]) -> str:
    """What is signed: the format, the subject, and of each member the hash, the length and the name."""
    lines = [f"{sha256(content).hexdigest()} {len(content)} {name}" for name, content in members.items()]
    return "\n".join([FORMAT, subject, *lines, ""])


def _manifest(text: str) -> tuple[str, dict[str, tuple[str, str]]]:
    form, _, rest = text.partition("\n")
    subject, _, rest = rest.partition("\n")
    if form != FORMAT:
        raise BadBundle(f"the manifest has the format {form!r}, this Rapport knows {FORMAT}")
    listed: dict[str, tuple[str, str]] = {}
    for line in rest.splitlines():
        digest, _, rest = line.partition(" ")
        size, _, name = rest.partition(" ")
        listed[name] = digest, size
    return subject, listed


def _compare(listed: Mapping[str, tuple[str, str]], members: Mapping[str, bytes]) -> None:
    if missing := [name for name in listed if name not in members]:
        raise BadBundle(f"the member {missing[0]} is missing")
    if added := [name for name in members if name not in listed]:
        raise BadBundle(f"the member {added[0]} is not in the manifest")
    for name, content in members.items():
        if (sha256(content).hexdigest(), str(len(content))) != listed[name]:
            raise BadBundle(f"the member {name} was changed")
    if list(listed) != list(members):
        raise BadBundle("the members are not in the order of the manifest")


def _members(raw: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(BytesIO(raw)) as file:
            _check_form(file.infolist(), len(raw))
            return {each.filename: file.read(each) for each in file.infolist()}
    except BadBundle:
        raise
    except Exception as error:  # noqa: BLE001 - zipfile raises whatever a damaged file leads it to
        raise BadBundle(f"the file is no zip, or a damaged one: {error}") from None


def _check_form(found: Sequence[zipfile.ZipInfo], size: int) -> None:
    names = [each.filename for each in found]
    if len(names) > MOST_MEMBERS:
        raise BadBundle("the file has more members than a bundle")
    if doubled := [name for name in names if names.count(name) > 1]:
        raise BadBundle(f"the member {doubled[0]} is there twice")
    if compressed := [each.filename for each in found if each.compress_type != zipfile.ZIP_STORED]:
        raise BadBundle(f"the member {compressed[0]} is compressed: in a bundle none is")
    # Nothing is compressed, so no member is larger than the file.
    if any(each.file_size > size for each in found):
        raise BadBundle("a member says that it is larger than the file")


def _zipped(members: Mapping[str, bytes]) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as file:
        for name, content in members.items():
            member = zipfile.ZipInfo(name, NO_TIME)
            member.create_system, member.external_attr = UNIX, OWNER_READS
            file.writestr(member, content)
    return out.getvalue()
