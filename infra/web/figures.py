"""The figures of a programme as a reader has them: the answers of `rapport explore`, over the programmes that are theirs.

Who has figures of all programmes sees them together, or those of one programme or of some codes; who has some programmes sees each of these by
itself. A part is shown as far as it may be beside all others.
Answers are kept until the record grows or the hour is over.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import orjson
from cachetools import LRUCache

from infra.access.figures import nps, programmes_of
from infra.access.standing import KNOWERS, Asker
from infra.http.asking import Desk
from infra.web.catalogue import catalogue
from infra.web.drawing import in_language
from infra.web.navigation import N_

if TYPE_CHECKING:
    from infra.analysis.answer import Answer
    from infra.analysis.population import Population

# Figures that there are of a code, beside those of a programme.
OF_CODES: Final = frozenset({"bands", "signals", "survival", "funnel", "endings", "pauses"})
# Figures whose hidden groups are chosen over all groups and their total, so that a part and the whole may both be shown (decision 0048).
OF_PARTS: Final = frozenset({"survival", "funnel", "nps"})
KEPT: Final = 128
# These libraries import one another in circles: two threads that load them at once find them half done.
_LOADING: Final = Lock()
# How a language writes numbers in charts, where that is otherwise than English does.
NUMBERS: Final[dict[str, Literal["de-DE"]]] = {"de": "de-DE"}
# For charts on a dark page.
DARK: Final[dict[str, Any]] = {
    "background": "#1f2125",
    "title": {"color": "#ececee"},
    "axis": {"labelColor": "#ececee", "titleColor": "#ececee", "gridColor": "#3a3d44", "domainColor": "#a9abb2", "tickColor": "#a9abb2"},
    "legend": {"labelColor": "#ececee", "titleColor": "#ececee", "symbolOpacity": 1, "symbolStrokeWidth": 3},
    "view": {"stroke": "#3a3d44"},
}  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure: what it is called, what it means, the datasets behind it, and whether it is of all programmes together alone."""

    title: str
    meaning: str
    datasets: tuple[str, ...]
    of_all: bool = False


FIGURES: Final[dict[str, Figure]] = {
    "bands": Figure(
        N_("Relationships by band"),
        N_(
            "How many active relationships were in each band of commitment health at the end of each of the last twelve months, and in the month "
            "that has begun, as it is now. "
            "A relationship begins at 100 points and loses some for each signal; terms say how many points, and from which score a band is."
        ),
        ("commitment_bands", "commitment_health"),
    ),
    "signals": Figure(
        N_("Signals by frequency"),
        N_(
            "In how many relationships each signal ever held, which share of those that were active that is, with its 95 % interval (Wilson), "
            "in how many it holds now, and the median of the days that it lasted."
        ),
        ("signals_history", "commitment_signals"),
    ),
    "survival": Figure(
        N_("How long relationships last"),
        N_(
            "The share of relationships that go on, by days from the activation (Kaplan-Meier), with its 95 % interval. Endings that count are "
            "all but good ones; a relationship that came to its good end, or still goes on, counts as lasting until then."
        ),
        ("relationships",),
    ),
    "funnel": Figure(
        N_("How far relationships come"),
        N_(
            "Of the relationships that were proposed, how many became active, had a session, half of the plan, the whole plan or a goal, a good "
            "end, an end review. Each step counts those that took the steps before it."
        ),
        ("relationships", "sessions"),
    ),
    "endings": Figure(
        N_("How relationships ended"),
        N_(
            "Of the relationships that ended, the share of each reason with its 95 % interval (Wilson), and the median of the days from the "
            "activation. Reasons that are a report by themselves are withheld."
        ),
        ("relationships",),
    ),
    "pauses": Figure(
        N_("Pauses"),
        N_("How many pauses were asked for by whom, of how many relationships, and the median of the days that they lasted."),
        ("pauses",),
    ),
    "nps": Figure(
        N_("Net Promoter Scores"),
        N_(
            "100 times the share of promoters (9 or 10) less that of detractors (0 to 6) among the answers that count, by who answered and on "
            "which occasion, with the 95 % interval, the number of answers n and the response rate. Roles are never mixed."
        ),
        ("nps", "nps_responses", "requests"),
    ),
    "practices": Figure(
        N_("What is practised"),
        N_("What people said when they were asked about a practice of a code: the share of good answers among good and bad ones."),
        ("practices",),
    ),
    "cohorts": Figure(
        N_("Relationships by the month of their start"),
        N_("How the relationships that became active in a month stand now, and the share that had not ended early after 30, 90 and 180 days."),
        ("relationships",),
        of_all=True,
    ),
    "activation": Figure(
        N_("From the proposal to the activation"),
        N_("After how many days a relationship became active and each gate was met; the median counts those that have not come to it yet."),
        ("gates", "relationships"),
        of_all=True,
    ),
    "responses": Figure(
        N_("Who answers, and who does not"),
        N_("Of those who were asked, the share that answered with its 95 % interval, and after how many days."),
        ("requests",),
        of_all=True,
    ),
    "calibration": Figure(
        N_("Does health tell what comes?"),
        N_("By the band on day 30: the share that ended early within the 90 days after it, and how well the score tells which (AUC)."),
        ("commitment_bands", "relationships"),
        of_all=True,
    ),
}  # fmt: skip


class Choice(NamedTuple):
    """What a reader looks at alone: a programme, or the codes that relationships stand under, as groups of them are called; neither: all."""

    programme: str = ""
    codes: str = ""


def figures_of(desk: Desk, asker: Asker, choice: Choice = Choice()) -> dict[str, Figure]:  # noqa: B008 - it can't change
    """The figures that there are for an asker, of what they chose."""
    has_all = programmes_of(desk.engine, asker) is None
    chosen = {*FIGURES}
    if choice.codes:
        chosen &= OF_CODES
    if any(choice) and has_all and asker.role not in KNOWERS:
        # What is small in one programme would follow from the figure of all and those of the others.
        chosen &= OF_PARTS
    every = has_all and not any(choice)
    return {name: figure for name, figure in FIGURES.items() if (every or not figure.of_all) and name in chosen}


def choices_of(desk: Desk, asker: Asker) -> tuple[list[str], list[str]]:
    """The programmes that an asker may look at one by one, and the codes; these for who has figures of all programmes alone."""
    theirs = programmes_of(desk.engine, asker)
    desk.engine.catch_up()
    rows = desk.engine.database.query("SELECT DISTINCT programme_id, codes FROM relationships")
    programmes = sorted({row[0] for row in rows if theirs is None or row[0].lower() in theirs})
    codes = sorted({" + ".join(orjson.loads(row[1])) for row in rows} - {""}) if theirs is None else []
    return programmes, codes


class Answers:
    """The answers of one process, each worked out once for as long as it holds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = Lock()
        self._kept: LRUCache[Any, Any] = LRUCache(KEPT)
        self._making: dict[Any, Lock] = {}
        self._is_warm = False

    def warm(self) -> None:
        """Load what reckons and draws, which takes seconds, while the reader still looks at the list of figures."""
        with self._lock:
            if self._is_warm:
                return
            self._is_warm = True
        Thread(target=load, name="figures", daemon=True).start()

    def answer(self, name: str, asker: Asker, choice: Choice = Choice()) -> "Answer":  # noqa: B008 - it can't change
        """The answer of a figure, of what the reader chose.

        Raises:
            ModuleNotFoundError: What reckons figures is not installed (`rapport[explore]`).
        """
        among = self._among(asker, choice)
        key = ("answer", name, among, _whose(name, asker))
        return self._of(key, lambda: self._reckon(name, asker, among))  # type: ignore[no-any-return]

    def _among(self, asker: Asker, choice: Choice) -> tuple[str, frozenset[str]] | None:
        """The groups that a reader has of what they chose: a key and names in lower case; None: all together."""
        theirs = programmes_of(self._desk.engine, asker)
        if choice.codes and theirs is None:
            return "codes", frozenset({choice.codes.lower()})
        if choice.programme:
            chosen = frozenset({choice.programme.lower()})
            return "programme", chosen if theirs is None else chosen & theirs
        return None if theirs is None else ("programme", theirs)

    @staticmethod
    def has_drawing(answer: "Answer") -> bool:
        """Whether there is anything to draw."""
        return answer.can_be_drawn

    def drawing(self, name: str, asker: Asker, choice: Choice, *, dark: bool, language: str) -> bytes | None:
        """The chart of a figure as SVG in a language; None where there is nothing to draw.

        Raises:
            ModuleNotFoundError: What draws is not installed.
        """
        answer = self.answer(name, asker, choice)
        if not self.has_drawing(answer):
            return None
        key = ("drawing", name, self._among(asker, choice), _whose(name, asker), dark, language)
        title = catalogue(language).gettext(FIGURES[name].title)
        return self._of(key, lambda: _draw(answer, title, dark=dark, language=language))  # type: ignore[no-any-return]

    def _of(self, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
        now = self._desk.now
        key = (self._desk.store.head(), _hour(now), *key)
        with self._lock:
            if key in self._kept:
                return self._kept[key]
            making = self._making.setdefault(key, Lock())
        # Who asks for the same meanwhile waits for it.
        with making:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                made = make()
                with self._lock:
                    self._kept[key] = made
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return made

    def _population(self) -> "Population":
        from infra.analysis.population import Population

        return self._of(("population",), lambda: Population(self._desk.engine))  # type: ignore[no-any-return]

    def _reckon(self, name: str, asker: Asker, among: tuple[Any, frozenset[str]] | None) -> "Answer":
        if name != "bands":
            load()
        with _LOADING:
            from infra.analysis import asking, beginning, calibration, lasting, standing

        if name == "nps":
            scores = nps(self._desk.engine, asker, self._desk.pseudonyms, by=["programme"] if among else [])
            return _scores([row for row in scores if among is None or row["programme"].lower() in among[1]])
        population = self._population()
        wanted = among and standing.Among(*among)
        if name == "bands":
            return standing.bands(population, wanted, of_rows=asker.role in KNOWERS)
        by_programme = {
            "signals": standing.signals,
            "endings": standing.endings,
            "pauses": standing.pauses,
            "practices": standing.practices,
        }
        if name in by_programme:
            return by_programme[name](population, wanted)
        if name in {"survival", "funnel"}:
            of = lasting.survival if name == "survival" else lasting.funnel
            return of(population) if among is None else _theirs(of(population, among[0]), among[1])
        together: dict[str, Callable[[Population], Answer]] = {
            "cohorts": lasting.cohorts,
            "activation": beginning.activation,
            "responses": asking.responses,
            "calibration": calibration.calibration,
        }
        return together[name](population)


def _whose(name: str, asker: Asker) -> object:
    """For whom an answer is where not all have the same of a programme."""
    if name == "nps":
        # Scores are asked for a reader: who has which of them is decided with the matrix.
        return asker.role, asker.reader.id
    return name == "bands" and asker.role in KNOWERS


def load() -> None:
    """Load what reckons and draws, where it is installed."""
    with _LOADING, suppress(ModuleNotFoundError):
        for name in ("altair", "vl_convert", "infra.analysis.lasting", "infra.analysis.standing"):
            import_module(name)


def _theirs(answer: "Answer", names: frozenset[str]) -> "Answer":
    """The groups of these names alone, without what is said of all of them together."""
    rows = [row for row in answer.rows if row["group"].lower() in names]
    brief = answer.brief and (answer.brief[0], [row for row in answer.brief[1] if row["group"].lower() in names])
    return replace(answer, rows=rows, brief=brief, summary={}, sentences=())


def _scores(rows: list[dict[str, Any]]) -> "Answer":
    from functools import partial

    from infra.analysis import charts
    from infra.analysis.answer import Answer, hidden_sentences

    keys = ("programme",) if rows and "programme" in rows[0] else ()
    columns = (*keys, "role", "occasion", "n", "asked", "response_rate", "nps", "low", "high")
    shown = [row | {"question": ", ".join([*(row[key] for key in keys), row["role"], row["occasion"]])} for row in rows]
    hidden = sum(row["suppressed"] for row in rows)
    return Answer(
        "Net Promoter Scores",
        columns,
        shown,
        partial(charts.intervals, x="question", y="nps", titles=("who, when", "NPS")),
        {},
        hidden_sentences(hidden, "score", "too few different people answered, or such a group would follow"),
    )


def _draw(answer: "Answer", title: str, *, dark: bool, language: str) -> bytes:
    load()
    from infra.analysis.charts import draw

    chart = in_language(answer.chart(answer.rows), language)
    if dark:
        chart = {**chart, "config": {**chart.get("config", {}), **DARK}}
    return draw(chart, title, "svg", NUMBERS.get(language))


def _hour(now: datetime) -> str:
    return f"{now:%Y-%m-%dT%H}"
