"""Layers are to a reader what a dict is that was filled in the same order, and one more entry copies little."""

from typing import Any

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


def test_n_entries_copy_far_fewer_than_n_squared() -> None:
    class Counted(dict[Any, Any]):
        copied = 0

        def keys(self) -> Any:
            Counted.copied += len(self)
            return super().keys()

    layers: Layers[int, int] = Layers({})
    for key in range(4000):
        top, below = len(layers._top), len(layers._below)
        layers = layers.entered(key, key)
        Counted.copied += top + (below if layers._below is not None and not layers._top else 0)
    assert len(layers) == 4000
    assert Counted.copied < 4000 * 4000 / 20
