"""A programme: its time zone, the codes it adopted and the terms its documents set."""
