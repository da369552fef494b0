"""Layers are to a reader what a dict is that was filled in the same order, and one more entry copies little."""

from hypothesis import given
from hypothesis import strategies as st

from domain.immutable import Layers


@given(
    st.dictionaries(st.integers(0, 30), st.integers()),
    st.lists(st.tuples(st.integers(0, 60), st.integers()), max_size=120),
)
def test_layers_are_a_dict_filled_in_that_order(first: dict[int, int], entries: list[tuple[int, int]]) -> None:
    filled, layers = dict(first), Layers(first)
    earlier = []
    for key, value in entries:
        earlier.append((dict(filled), layers))
        filled[key] = value
        layers = layers.entered(key, value)
    assert (list(layers.items()), len(layers)) == (list(filled.items()), len(filled))
    assert layers == filled
    assert all(key in layers and layers[key] == value for key, value in filled.items())
    assert 61 not in layers
    # What was there before is as it was.
    assert all(list(then.items()) == list(before.items()) for before, then in earlier)


def test_one_more_entry_copies_about_the_square_root_of_them() -> None:
    copied = 0
    layers: Layers[int, int] = Layers({})
    for key in range(4000):
        top, below = layers._top, layers._below
        layers = layers.entered(key, key)
        copied += len(top) + (0 if layers._below is below else len(below))
    assert len(layers) == 4000
    # A dict copied for each would come to 8,000,000.
    assert copied < 500_000
