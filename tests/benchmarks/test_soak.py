"""What counts as flat in a soak, on made-up samples: the run itself takes minutes."""

import pytest

from benchmarks.soak import Sample, main, verdicts

FLAT = [Sample(1000 * minute, 200.0, 40, 3.0, 30 + 2.0 * minute) for minute in range(1, 13)]


def grown(samples: list[Sample]) -> list[str]:
    """What is not flat."""
    return [each.what for each in verdicts(samples) if not each.is_flat]


def test_a_record_that_grows_by_as_much_a_message_is_flat() -> None:
    assert grown(FLAT) == []


def test_what_fills_up_in_the_first_third_is_no_leak() -> None:
    warming = [each._replace(memory=100, handles=10, lag=0) for each in FLAT[:4]]
    assert grown([*warming, *FLAT[4:]]) == []


@pytest.mark.parametrize(
    "field, what", [("memory", "memory"), ("handles", "file handles"), ("lag", "lag"), ("disk", "disk a message")]
)
def test_what_goes_on_growing_is_named(field: str, what: str) -> None:
    steps = {"memory": 5.0, "handles": 2, "lag": 200.0, "disk": 0.2}
    growing = [
        each._replace(**{field: getattr(each, field) + steps[field] * (number**2 if field == "disk" else number)})
        for number, each in enumerate(FLAT)
    ]
    assert grown(growing) == [what]


def test_a_run_too_short_to_say_is_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--minutes", "5"])
    assert "--minutes: expected 6 at least" in capsys.readouterr().err
