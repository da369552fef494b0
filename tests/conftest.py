"""What every test may ask for: real servers (see tests/servers.py), and stores of both kinds (tests/stores.py)."""

from tests import command

pytest_plugins = ("tests.servers", "tests.stores")


def pytest_unconfigure() -> None:
    command.close()
