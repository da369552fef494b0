"""Notes are those of C2SP: known ones are read and written byte for byte, and nothing that was changed passes."""

from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evidence.note import COSIGNATURE, BadNote, Checkpoint, Note, Signer, Verifier, checkpoint

# The example of golang.org/x/mod/sumdb/note, where the format comes from.
GO_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()
# The example of c2sp.org/signed-note.
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()

LOG = Signer("rapport/one", bytes(range(32)))
WITNESS = Signer("witness/one", bytes(reversed(range(32))), COSIGNATURE)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CHECKPOINT = Checkpoint("rapport/one", 843, bytes(range(32)))


def test_the_known_notes_are_read_and_written_byte_for_byte() -> None:
    for key, raw in ((GO_KEY, GO_NOTE), (C2SP_KEY, C2SP_NOTE)):
        Verifier.parse(key).check(Note.parse(raw))
        assert str(Verifier.parse(key)) == key
        assert bytes(Note.parse(raw)) == raw
    signer = Signer.parse(GO_SECRET)
    assert (str(signer.verifier), signer.secret) == (GO_KEY, GO_SECRET)
    assert bytes(signer.signed(Note(GO_TEXT))) == GO_NOTE


def test_a_checkpoint_is_signed_by_its_log_and_cosigned_by_a_witness() -> None:
    raw = bytes(WITNESS.signed(LOG.signed(CHECKPOINT.note), AT))
    assert raw.decode().split("\n")[:4] == ["rapport/one", "843", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert checkpoint(raw, [LOG.verifier, WITNESS.verifier]) == CHECKPOINT
    assert WITNESS.verifier.check(Note.parse(raw)) == AT
    # What a cosigner signs: c2sp.org/tlog-cosignature.
    line = raw.decode().split("\n")[5]
    blob = b64decode(line.split(" ")[2])
    assert int.from_bytes(blob[4:12]) == int(AT.timestamp())
    assert len(blob) == 4 + 8 + 64
    # Signed again, the newer signature takes the place of the older one.
    again = WITNESS.signed(Note.parse(raw), datetime(2026, 3, 3, tzinfo=UTC))
    assert len(again.signatures) == 2


@given(st.data())
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    raw = bytes(WITNESS.signed(LOG.signed(CHECKPOINT.note), AT))
    place = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:place] + bytes([raw[place] ^ data.draw(st.integers(1, 255))]) + raw[place + 1 :]
    with pytest.raises(BadNote):
        checkpoint(changed, [LOG.verifier, WITNESS.verifier])


def test_another_key_of_the_same_name_does_not_pass() -> None:
    other = Signer("rapport/one", bytes(32))
    with pytest.raises(BadNote, match="no signature"):
        checkpoint(bytes(other.signed(CHECKPOINT.note)), [LOG.verifier])


@pytest.mark.parametrize(
    "text", ["", "a", "rapport/one+00000000+AXfYWQtV3Rm3qacEbjczzreLlOM1TJlYUjnU1L6dwj62", "a+b+c", GO_SECRET, "é+é+é"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Verifier.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "one\n",
        "one\n1\n",
        "one\n01\nAA==\n",
        "one\n-1\nAAAA\n",
        "one\n1\nAAAA\n",
        "o n\n1\n" + "A" * 43 + "=\n",
        "one\n1\nx\ny\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.of(Note(text))


def test_a_key_is_never_shown() -> None:
    assert LOG.secret not in repr(LOG)
    assert LOG.secret[-20:] not in repr(LOG)
