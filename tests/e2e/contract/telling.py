"""Tests that tell, and then look: all tests of a module tell first, everything is submitted once, then each one looks.

    @told
    def test_a_rule_in_words(world: World) -> Telling:
        story = world.relationship("pentalog")
        sent = story.say(...)
        yield
        assert world.status(sent) == "accepted"

Starting the command costs as much as thousands of messages; so a module has one start for all that its tests tell.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

from tests.e2e.contract.story import World

Telling = Iterator[None]
Teller = Callable[[World], Telling]


class Answers:
    """A module's world after everything was told and submitted."""

    def __init__(self, world: World, module: ModuleType) -> None:
        self.world = world
        self._waiting: dict[str, Telling] = {}
        self._failed: dict[str, Exception] = {}
        for name, test in vars(module).items():
            if teller := getattr(test, "teller", None):
                self._tell(name, teller)
        world.submit()

    def _tell(self, name: str, teller: Teller) -> None:
        telling = teller(self.world)
        try:
            next(telling)
        except Exception as problem:  # noqa: BLE001 - raised again in the test that it belongs to
            self._failed[name] = problem
        else:
            self._waiting[name] = telling

    def look(self, name: str) -> None:
        """Let the test of this name go on to what it asserts."""
        if name in self._failed:
            raise self._failed[name]
        try:
            next(self._waiting[name])
        except StopIteration:
            return
        raise AssertionError(f"{name} tells twice")


def told(teller: Teller) -> Callable[[Answers], None]:
    """Make a test of a function that tells, yields once, and looks."""
    name = teller.__name__

    def test(answers: Answers) -> None:
        answers.look(name)

    test.__name__ = name
    test.__qualname__ = name
    test.__module__ = teller.__module__
    test.__doc__ = teller.__doc__
    test.teller = teller  # type: ignore[attr-defined]
    return test
