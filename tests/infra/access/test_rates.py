import pytest

from infra.access.rates import Rates
from infra.settings import WrongSettings


def test_each_token_has_its_own_count() -> None:
    rates = Rates("2/hour")
    assert [rates.wait_for("one") for _ in range(2)] == [0, 0]
    assert 0 < rates.wait_for("one") <= 3600
    assert rates.wait_for("another") == 0


@pytest.mark.parametrize("text", ["", "fast", "10", "10/fortnight"])
def test_what_is_no_rate_is_a_wrong_setting(text: str) -> None:
    with pytest.raises(WrongSettings, match="RAPPORT_TOKEN_RATE"):
        Rates(text)
