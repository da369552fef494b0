"""Whom and what somebody of the office may put into a new relationship: the programmes, and the people whom these know."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from infra.access.figures import in_own_programmes
from infra.access.standing import Asker, scope
from infra.projection_engine.engine import Engine

# So many people are offered; who is not among them is named by their id.
MOST: Final = 200


class Choosing(NamedTuple):
    """The programmes, each with its name, and the ids of those who are mentees and mentors in them."""

    programmes: Sequence[tuple[str, str]]
    mentees: Sequence[str]
    mentors: Sequence[str]


def choosing(engine: Engine, asker: Asker) -> Choosing:
    """What is known in the programmes of the asker; mentors who were removed are left out."""
    engine.catch_up()
    asker = in_own_programmes(engine, asker)
    query = engine.database.query
    where, params = scope(asker)
    programmes = query(f"SELECT DISTINCT programme_id, NULL FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    programmes += query("SELECT programme_id, name FROM programmes")
    mentees = query(f"SELECT DISTINCT mentee_id FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    mentors = query(f"SELECT DISTINCT mentor_id FROM relationships WHERE {where}", params)  # noqa: S608 - our own words
    registered = query("SELECT mentor_id, home_programme_id, standing FROM mentors")
    removed = {id_ for id_, _, standing in registered if standing == "removed"}
    at_home = {id_ for id_, home, _ in registered if asker.covers(home)}
    return Choosing(
        sorted({id_: name or id_ for id_, name in programmes if asker.covers(id_)}.items()),
        sorted(id_ for (id_,) in mentees)[:MOST],
        sorted(({id_ for (id_,) in mentors} | at_home) - removed)[:MOST],
    )
