"""Python's collector of cycles runs as usual once nobody needs it to run seldom any more."""

import gc
from contextlib import ExitStack

from infra.collector import SELDOM, collecting_seldom


def test_blocks_that_overlap_leave_it_as_it_was() -> None:
    usual = gc.get_threshold()
    first, second = ExitStack(), ExitStack()
    first.enter_context(collecting_seldom())
    second.enter_context(collecting_seldom())
    first.close()
    assert gc.get_threshold() == SELDOM
    second.close()
    assert gc.get_threshold() == usual
