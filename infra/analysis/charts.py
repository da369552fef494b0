"""The drawings of the answers: specifications of Vega-Lite by Altair, and files of them by vl-convert, which needs no browser."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args

from infra.analysis.answer import Chart, Row

Form = Literal["svg", "png", "html"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)
WIDTH, HEIGHT = 560, 300
# From good to bad, for parts that have such an order; told apart by how light they are as well.
SHADES: Final = ("#2a7f4f", "#e0b12b", "#d9731a", "#a01624")


def _base(rows: Sequence[Row]) -> Any:
    import altair as alt

    return alt.Chart(_data(rows)).properties(width=WIDTH, height=HEIGHT)


def _data(rows: Sequence[Row]) -> Any:
    import altair as alt

    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]


def steps(rows: list[Row], *, group: str, x: str, y: str, titles: tuple[str, str]) -> Chart:
    """A curve of steps with its interval for each group."""
    import altair as alt

    color = alt.Color(f"{group}:N", title=group)
    across = alt.X(f"{x}:Q", title=titles[0])
    band = (
        _base(rows)
        .mark_area(opacity=0.15, interpolate="step-after")
        .encode(x=across, y=alt.Y("low:Q", title=titles[1]), y2="high:Q", color=color)
    )
    line = (
        _base(rows)
        .mark_line(interpolate="step-after")
        .encode(x=across, y=alt.Y(f"{y}:Q", scale=alt.Scale(domain=[0, 1])), color=color)
    )
    return _done(band + line)


def intervals(rows: list[Row], *, x: str, y: str, titles: tuple[str, str], color: str | None = None) -> Chart:
    """A point with its interval for each row."""
    import altair as alt

    known = [row for row in rows if row[y] is not None]
    across = alt.X(f"{x}:N", title=titles[0], sort=None)
    shades = {} if color is None else {"color": alt.Color(f"{color}:N"), "xOffset": f"{color}:N"}
    rule = (
        _base(known).mark_rule(strokeWidth=2).encode(x=across, y=alt.Y("low:Q", title=titles[1]), y2="high:Q", **shades)
    )
    point = _base(known).mark_point(filled=True, size=70).encode(x=across, y=f"{y}:Q", **shades)
    return _done(rule + point)


def bars(rows: list[Row], *, x: str, y: str, titles: tuple[str, str], color: str | None = None) -> Chart:
    """A bar for each row, from the top in the order of the rows."""
    import altair as alt

    known = [row for row in rows if row[y] is not None]
    shades = {} if color is None else {"color": alt.Color(f"{color}:N")}
    return _done(
        _base(known)
        .mark_bar()
        .encode(y=alt.Y(f"{x}:N", title=titles[0], sort=None), x=alt.X(f"{y}:Q", title=titles[1]), **shades)
    )


def stacked(rows: list[Row], *, x: str, y: str, color: str, order: Sequence[str], titles: tuple[str, str]) -> Chart:
    """Bars side by side, each of parts on top of one another in this order."""
    import altair as alt

    placed = [{**row, "place": order.index(row[color])} for row in rows]
    shades = alt.Color(
        f"{color}:N", sort=list(order), scale=alt.Scale(domain=list(order), range=list(SHADES[: len(order)]))
    )
    return _done(
        _base(placed)
        .mark_bar()
        .encode(x=alt.X(f"{x}:O", title=titles[0]), y=alt.Y(f"{y}:Q", title=titles[1]), color=shades, order="place:Q")
    )


def control(rows: list[Row]) -> Chart:
    """A control chart of NPS: each month's score, the mean of all, and the limits beyond which chance rarely goes."""
    import altair as alt

    known = [row for row in rows if row["nps"] is not None]
    month = alt.X("month:O", title="month")
    limits = (
        _base(known)
        .mark_area(opacity=0.15, interpolate="step")
        .encode(x=month, y=alt.Y("lower_limit:Q", title="NPS"), y2="upper_limit:Q")
    )
    mean = _base(known).mark_line(strokeDash=[4, 4]).encode(x=month, y="mean:Q")
    scores = (
        _base(known)
        .mark_line(point=True)
        .encode(x=month, y="nps:Q", color=alt.condition("datum.outside", alt.value("#c33"), alt.value("#36c")))
    )
    panel = alt.layer(limits, mean, scores)
    return _done(panel.facet(row=alt.Row("question:N", title=None), data=_data(known)))


def words(said: str) -> Chart:
    """A sentence where there is nothing to draw."""
    import altair as alt

    return _done(alt.Chart(_data([{}]), width=WIDTH, height=60).mark_text(fontSize=14, text=said))


def _done(chart: Any) -> Chart:
    found: Chart = chart.to_dict()
    return found


def draw(chart: Chart, title: str, form: Form, numbers: Literal["de-DE"] | None = None) -> bytes:
    """The file of a drawing. HTML has everything within itself and asks no other server for anything.

    `numbers` names the locale in which numbers are written; None: as English writes them.
    """
    import vl_convert

    titled = {**chart, "title": title}
    match form:
        case "svg":
            return vl_convert.vegalite_to_svg(titled, format_locale=numbers).encode()
        case "png":
            return bytes(vl_convert.vegalite_to_png(titled, scale=2))
        case "html":
            return vl_convert.vegalite_to_html(titled, bundle=True).encode()


def form_of(target: Path) -> Form | None:
    """The form that a file's name asks for; None for one that there is not."""
    suffix = target.suffix.removeprefix(".").lower()
    return next((form for form in FORMS if form == suffix), None)
