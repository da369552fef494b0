"""How much the long tests do: enough to find each kind of mistake in `make test`, several times that in a thorough run.

`HYPOTHESIS_PROFILE=thorough make test` is the thorough run: more examples of every property, longer lives, more kills.
"""

import os
from typing import Final

THOROUGH: Final = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def size(usual: int, thorough: int) -> int:
    """A number of examples, relationships or kills."""
    return thorough if THOROUGH else usual
