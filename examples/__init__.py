"""Message files that tell whole relationships, and the player of `make run`."""
