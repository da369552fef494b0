"""Tokens: from a JWT to the caller whom it names, and tokens for development.

The algorithms are EdDSA, ES256 and RS256. Which of them holds is up to the key, never to the token, so `none` and a shared
secret have no way in. Time is the machine's: a token is about the present, whatever clock the record goes by.
"""

import time
from collections.abc import Collection, Hashable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

import jwt
from cachetools import TTLCache

from domain.ids import is_id
from domain.words import ROLES
from infra.access import local_key
from infra.access.caller import Caller
from infra.access.errors import NotKnown
from infra.access.key_sets import FileKeys, KeySet, UrlKeys
from infra.operations.logs import logger
from infra.settings import Settings, WrongSettings

log = logger("rapport.tokens")

AUDIENCE: Final = "rapport"
LOCAL_ISSUER: Final = "rapport"
EVERY: Final = "*"
LONGEST: Final = 16_384
# So many tokens are known without a look at their signature, each for so long, and only while the keys are the same.
KNOWN: Final = 10_000
KNOWN_SECONDS: Final = 5.0
# Workers are Rapport's own: no token makes one.
TOKEN_ROLES: Final = frozenset(ROLES) - {"worker"}


class _Known(NamedTuple):
    """Whom a token named when it was looked at, when it expires, and the mark of the keys by then."""

    caller: Caller
    expires: float
    keys: Hashable


class Tokens:
    """What tells who is asking. Threads may share it; `caller` may wait for keys, so call it off the event loop."""

    def __init__(self, keys: KeySet, issuer: str | None) -> None:
        self._keys, self._issuer = keys, issuer
        self._known: TTLCache[str, _Known] = TTLCache(KNOWN, KNOWN_SECONDS)
        self._turn = Lock()

    @classmethod
    def of(cls, settings: Settings) -> "Tokens":
        """As the settings say: the keys of RAPPORT_TOKEN_KEYS, else the local key.

        Raises:
            WrongSettings: A setting is wrong.
            StoreError: The address of the store can't be understood.
        """
        named = settings.token_keys
        if named is None:
            keys = FileKeys(local_key.place(settings), local_key.verifying, may_be_missing=True)
            return cls(keys, settings.token_issuer or LOCAL_ISSUER)
        if settings.token_issuer is None:
            log.warning(
                "RAPPORT_TOKEN_ISSUER is not set: tokens of every issuer are taken that a key of RAPPORT_TOKEN_KEYS signed"
            )
        if "://" in named:
            return cls(UrlKeys(named), settings.token_issuer)
        of_file = FileKeys(Path(named))
        of_file.check()
        return cls(of_file, settings.token_issuer)

    def known(self, bearer: str) -> Caller | None:
        """The caller of a token that was valid a moment ago, has not expired since, and whose keys have not changed; waits for nothing."""
        with self._turn:
            found = self._known.get(bearer)
        if found is None or found.expires <= time.time() or found.keys != self._keys.mark():
            return None
        return found.caller

    def caller(self, bearer: str | None) -> Caller:
        """The caller whom a token names; `bearer` is the token alone, without the word Bearer.

        Raises:
            NotKnown: There is no token, or it is not valid.
            KeysNotReached: The keys that sign tokens can't be read now.
        """
        if not bearer:
            raise NotKnown("expected a token: Authorization: Bearer TOKEN")
        # Before the keys are read: a change while they are makes the token unknown again, which costs one more look.
        mark = self._keys.mark()
        claims = self._claims(bearer)
        found = caller_of_claims(claims)
        with self._turn:
            self._known[bearer] = _Known(found, float(claims["exp"]), mark)
        return found

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST:
            raise NotKnown("the token is too long")
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            found = self._keys.find(kid)
            if found is None:
                raise NotKnown("no known key signed this token")
            claims: dict[str, Any] = jwt.decode(
                token,
                found.key,
                algorithms=[found.algorithm],
                audience=AUDIENCE,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", "sub"], "verify_iat": False},
            )
        except jwt.ExpiredSignatureError:
            raise NotKnown("the token has expired") from None
        except jwt.InvalidAudienceError:
            raise NotKnown(f'the token is for another service: expected aud "{AUDIENCE}"') from None
        except jwt.InvalidIssuerError:
            raise NotKnown("another issuer made the token") from None
        except jwt.MissingRequiredClaimError as error:
            raise NotKnown(f"the token lacks {error.claim}") from None
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            # What a forger may learn from it is nothing.
            raise NotKnown("the token is not valid") from None
        return claims


def caller_of_claims(claims: dict[str, Any]) -> Caller:
    """The caller of verified claims. Roles of other applications are passed over.

    Raises:
        NotKnown: They name nobody as Rapport names people.
    """
    id_ = claims.get("sub")
    if not isinstance(id_, str) or not is_id(id_):
        raise NotKnown("sub: expected an id of letters, digits, dots, underscores and hyphens")
    programmes = claims.get("programmes", [])
    return Caller(
        id=id_,
        roles=frozenset(_texts(claims, "roles")) & TOKEN_ROLES,
        programmes=None
        if programmes in (EVERY, [EVERY])
        else frozenset(each.lower() for each in _texts(claims, "programmes")),
        acts_for=frozenset(_texts(claims, "acts_for")) & TOKEN_ROLES,
    )


def _texts(claims: dict[str, Any], name: str) -> list[str]:
    found = claims.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise NotKnown(f"{name}: expected a list of texts")
    return found


def check_local(settings: Settings) -> None:
    """Make sure that the local key signs tokens here.

    Raises:
        WrongSettings: RAPPORT_TOKEN_KEYS names other keys.
    """
    if settings.token_keys is not None:
        raise WrongSettings(
            "RAPPORT_TOKEN_KEYS is set: tokens come from the owner of those keys; unset it to use a local key"
        )


def issue(
    settings: Settings,
    role: str,
    id_: str,
    *,
    programmes: Collection[str] = (),
    acts_for: Collection[str] = (),
    lasting: timedelta = timedelta(hours=1),
) -> str:
    """A token of the local key; without programmes it covers all of them.

    Raises:
        WrongSettings: Other keys sign tokens here, or the local key can't be read.
        StoreError: The address of the store can't be understood.
    """
    check_local(settings)
    key = local_key.read(local_key.place(settings))
    now = datetime.now(UTC)
    claims = {
        "iss": settings.token_issuer or LOCAL_ISSUER,
        "aud": AUDIENCE,
        "sub": id_,
        "roles": [role],
        "programmes": sorted(programmes) or EVERY,
        "acts_for": sorted(acts_for),
        "iat": now,
        "exp": now + lasting,
    }
    return jwt.encode(claims, key, "EdDSA", {"kid": local_key.kid_of(key)})
