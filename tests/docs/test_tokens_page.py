"""`docs/how-to/let-callers-in.md`: the claims that it shows are those of a token that Rapport takes."""

import json
import re
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from infra.access.tokens import Tokens
from infra.settings import Settings

PAGE = Path(__file__).parents[2] / "docs/how-to/let-callers-in.md"


def test_a_token_with_the_claims_of_the_page_is_taken(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"^```json\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    claims = json.loads(found[1])
    key = rsa.generate_private_key(65537, 2048)
    # As Keycloak has it: a key that signs and one that encrypts.
    signs = json.loads(RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "use": "sig", "alg": "RS256"}
    encrypts = signs | {"kid": "two", "use": "enc", "alg": "RSA-OAEP"}
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [encrypts, signs]}))
    known = Tokens.of(Settings(token_keys=str(tmp_path / "jwks.json"), token_issuer=claims["iss"]))
    caller = known.caller(jwt.encode(claims, key, "RS256", {"kid": "one"}))
    assert (caller.id, caller.roles) == ("ana", frozenset({"mentee", "coordinator"}))
    assert (caller.programmes, caller.acts_for) == (frozenset({"spring", "autumn"}), frozenset())
    for claim in claims:
        assert f"| `{claim}` |" in text, claim
