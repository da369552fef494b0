"""One subject at one moment, for people and programs: its state now, as of a time, as known at a time, at a version."""
