"""The clauses of the five codes of conduct and of Rapport's own policy, read from the TOML files beside this module.

A code is versioned data: a relationship pins the versions under which it was proposed, so a clause's meaning is added to
as a new version and never edited. Everything is validated at import, so a wrong file stops the program before it starts.
"""

import tomllib
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from domain.words import CodeId, PolicyId

Kind = Literal["gate", "guard", "signal", "reaction", "sharing", "practice"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# What a clause takes hold of, e.g. "command:PauseRelationship" or "data:goals".
Binding = Annotated[
    str, StringConstraints(pattern=r"^(command:[A-Z]\w+|(signal|task|notification|data|question|measure):[a-z_]+)$")
]


class Clause(BaseModel):
    """One rule of a code: `rule` is one sentence, `binds` what it takes hold of, `question` what people are asked about it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+\.[a-z-]+$")]
    kinds: tuple[Kind, ...]
    rule: Annotated[str, StringConstraints(pattern=r"^[A-Z][^\n]*[^.]\.$")]
    question: Annotated[str, StringConstraints(pattern=r"^[A-Z][^\n?]*\?$")] | None = None
    binds: tuple[Binding, ...]

    @property
    def code(self) -> str:
        """The id of the code it belongs to."""
        return self.id.partition(".")[0]

    @property
    def kind(self) -> str:
        """Its kinds as one text, e.g. "gate, reaction"."""
        return ", ".join(self.kinds)

    @model_validator(mode="after")
    def _says_something_once(self) -> "Clause":
        for name, values in (("kinds", self.kinds), ("binds", self.binds)):
            if not values or len(set(values)) != len(values):
                raise ValueError(f"{self.id}: {name} must be given, each once")
        return self

    @model_validator(mode="after")
    def _asks_in_words(self) -> "Clause":
        if (self.question is not None) != any(binding.startswith("question:") for binding in self.binds):
            raise ValueError(f"{self.id}: a clause that binds a question has the words of it, and no other has")
        if self.question is not None and "practice" not in self.kinds:
            raise ValueError(f"{self.id}: only a practice is asked about")
        return self


class Code(BaseModel):
    """One code of conduct: its version and its clauses, in the order of the text they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: CodeId | PolicyId
    title: str
    version: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*$")]
    clauses: tuple[Clause, ...]

    @model_validator(mode="after")
    def _clauses_are_its_own(self) -> "Code":
        seen: set[str] = set()
        for clause in self.clauses:
            if clause.code != self.id:
                raise ValueError(f"{clause.id} is not a clause of {self.id}")
            if clause.id in seen:
                raise ValueError(f"{clause.id} stands twice in {self.id}")
            seen.add(clause.id)
        return self


def parse(text: str) -> Code:
    """The code that a TOML file describes.

    Raises:
        ValueError: the text is no TOML, or a field is missing, unknown, malformed or given twice.
    """
    return Code.model_validate(tomllib.loads(text))


def _load(code: str) -> Code:
    return parse(files("domain.codes").joinpath(f"{code}.toml").read_text(encoding="utf-8"))


# The codes that a programme may adopt, and the policy that holds for every relationship.
CODES: Final[Mapping[str, Code]] = MappingProxyType({code: _load(code) for code in get_args(CodeId)})
POLICY: Final = _load("care")
CLAUSES: Final[Mapping[str, Clause]] = MappingProxyType(
    {clause.id: clause for code in (*CODES.values(), POLICY) for clause in code.clauses}
)
# A report of lost trust or of disrespect leads to a recommendation to end the relationship under these clauses.
TRUST_CLAUSES: Final = ("pentalog.trust", "care.trust")
STANDING_CLAUSES: Final = ("mentor247.terms", "cmn.breaches", "care.standing")
RESPECT_CLAUSES: Final = ("pentalog.respect", "leapfrog.respect", "care.respect")


@lru_cache(maxsize=512)
def same_matter(clause: str) -> tuple[str, ...]:
    """The clauses that say the same about a recommendation to end: whatever settles it under one settles it under all."""
    return next((clauses for clauses in (TRUST_CLAUSES, RESPECT_CLAUSES) if clause in clauses), (clause,))


def clause_expected(found: str) -> str:
    """What should have stood in the place of a clause that no code has."""
    near = get_close_matches(found.strip().lower(), CLAUSES, n=1)
    example = f"did you mean {near[0]}?" if near else "`rapport codes list` shows them all"
    return f"expected the id of a clause, CODE.CLAUSE; {example}"


def _same_signal(clause: str) -> tuple[str, ...]:
    """The clauses that bind a signal which this one binds too: a concern under one is a concern under all."""
    signals = {binding for binding in CLAUSES[clause].binds if binding.startswith("signal:")}
    return tuple(other.id for other in CLAUSES.values() if signals.intersection(other.binds))


def not_in_force(clause: str, adopted: Collection[str]) -> str | None:
    """Why a clause can't be cited of a relationship with these codes: no code has it, or one that was not adopted."""
    if clause not in CLAUSES:
        return clause_expected(clause)
    if cite(adopted, *same_matter(clause), *_same_signal(clause)):
        return None
    codes = ", ".join((*adopted, POLICY.id))
    return f"{clause} is not in force here: expected a clause of {codes}"


_CODE_OF: Final[Mapping[str, str]] = {id_: clause.code for id_, clause in CLAUSES.items()}


def cite(adopted: Collection[str], *ids: str) -> tuple[str, ...]:
    """Those of `ids` whose code is among the adopted ones, and those of Rapport's own policy, in the order given.

    Several codes may say the same thing: all of their clauses are cited, and none of a code that does not hold.

    Raises:
        KeyError: an id that no code has.
    """
    return tuple(id_ for id_ in ids if (code := _CODE_OF[id_]) in adopted or code == POLICY.id)
