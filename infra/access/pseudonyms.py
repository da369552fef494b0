"""Pseudonyms: the same one for a person wherever they appear in a store, which nobody without the store's key can lead back."""

import hmac
from hashlib import sha256
from typing import Any, Final

LENGTH: Final = 20


class Pseudonyms:
    """The pseudonyms of one store."""

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"rapport pseudonyms", sha256)

    def of(self, id_: str) -> str:
        """The pseudonym of a person; spellings that differ in case alone have the same one."""
        return f"p-{hmac.digest(self._key, id_.lower().encode(), sha256).hex()[:LENGTH]}"

    def of_role_and_id(self, text: str) -> str:
        """The pseudonym of `role:id`, with the role; a role alone stands as it is."""
        role, colon, id_ = text.partition(":")
        return f"{role}:{self.of(id_)}" if colon else text

    def of_value(self, value: Any) -> Any:
        """The pseudonyms of an id, of `role:id`, or of a list of them; nothing of nothing."""
        if isinstance(value, list):
            return [self.of_value(each) for each in value]
        if not isinstance(value, str):
            return value
        return self.of_role_and_id(value) if ":" in value else self.of(value)
