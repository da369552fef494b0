"""What every test may ask for: real servers (see tests/servers.py), and stores of both kinds (tests/stores.py)."""

pytest_plugins = ("tests.servers", "tests.stores")
