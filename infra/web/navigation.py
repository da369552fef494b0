"""The places that the navigation names, and for whom each is."""

from typing import Final, NamedTuple


class Place(NamedTuple):
    """A page that the navigation names. `label` and `about` are sentences of the catalogue; without `roles` it is for everybody who signed in."""

    path: str
    label: str
    roles: frozenset[str] = frozenset()
    # What somebody finds there.
    about: str = ""


def N_(sentence: str) -> str:  # noqa: N802 - the name by which extractors know it
    """Mark a sentence for the catalogue; it is translated where it is shown."""
    return sentence


_READERS: Final = frozenset(
    {"mentee", "mentor", "customer", "line_manager", "supplier", "coordinator", "hr", "auditor"}
)
_OFFICE: Final = frozenset({"coordinator", "supplier", "hr"})
_OWNERS: Final = frozenset({"mentee", "mentor", "customer", "line_manager"})
PLACES: Final[tuple[Place, ...]] = (
    Place("/", N_("Today"), _OFFICE),
    Place("/", N_("Start"), _OWNERS | {"analyst", "auditor", "service"}),
    Place("/relationships", N_("Relationships"), _READERS, N_("Each relationship as it is, its history, and how it was at any time.")),
    Place("/cases", N_("Conduct cases"), frozenset({"coordinator", "hr"})),
    Place("/mine", N_("Mine"), _OWNERS),
    Place("/programme", N_("Programme"), frozenset({"analyst", "coordinator", "supplier"}), N_("Figures with what they mean, and the rows behind them.")),
    Place("/what-if", N_("What if"), frozenset({"coordinator", "supplier"})),
    Place("/audit", N_("Audit"), frozenset({"auditor"}), N_("Is the record whole? Checkpoints, evidence to take along, who read what, and what was refused.")),
    Place("/codes", N_("The codes"), about=N_("Every clause in plain words, what implements it, and the states of a relationship.")),
)  # fmt: skip


def places(role: str | None) -> list[Place]:
    """The places for a role; None: nobody signed in."""
    return [place for place in PLACES if role is not None and (not place.roles or role in place.roles)]
