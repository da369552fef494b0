"""From score to band, with hysteresis: a band worsens at once and improves only well above its threshold."""

from typing import Final, Literal

from domain.commitment.terms import Terms

Band = Literal["healthy", "watch", "at_risk", "critical"]

# Best first.
BANDS: Final[tuple[Band, ...]] = ("healthy", "watch", "at_risk", "critical")


def band_after(before: Band | None, score: int, terms: Terms, *, forced: bool) -> Band:
    """The band once the score is what it is, coming from the band before (None: there was no score).

    A report of lost trust or of disrespect that stands forces `critical`, and that counts as the band before afterwards.
    """
    if forced:
        return "critical"
    plain = _reached(score, terms, 0)
    if before is None or BANDS.index(plain) >= BANDS.index(before):
        return plain
    improved = _reached(score, terms, terms.hysteresis)
    return improved if BANDS.index(improved) < BANDS.index(before) else before


def _reached(score: int, terms: Terms, margin: float) -> Band:
    """The best band whose threshold the score reaches, by a margin."""
    if score >= terms.healthy + margin:
        return "healthy"
    if score >= terms.watch + margin:
        return "watch"
    if score >= terms.at_risk + margin:
        return "at_risk"
    return "critical"
