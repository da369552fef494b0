"""Everything that touches the world: stores, servers, files, the clock and the command line."""
