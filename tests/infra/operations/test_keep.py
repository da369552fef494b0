import pytest

from infra.operations.keep import REST_SECONDS, RUSH_EVENTS, rest_seconds

PAGE = 500


@pytest.mark.parametrize(
    "seen, seconds",
    [
        pytest.param(0, 0.0, id="nothing"),
        pytest.param(RUSH_EVENTS - 1, 0.0, id="a few"),
        pytest.param(RUSH_EVENTS, REST_SECONDS, id="a rush"),
        pytest.param(PAGE - 1, REST_SECONDS, id="the most of a rush"),
        pytest.param(PAGE, 0.0, id="a backlog"),
    ],
)
def test_only_a_rush_makes_a_follower_rest(seen: int, seconds: float) -> None:
    assert rest_seconds(seen, PAGE) == seconds
