"""Recomputing the record: what an auditor asks of every event."""
