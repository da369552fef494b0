"""What every test may ask for: real servers (see tests/servers.py)."""

pytest_plugins = ("tests.servers",)
