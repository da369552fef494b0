"""Folds of events into rows that answer questions, one file a projection."""
