"""Answers of the command line and the servers that need more than a look at a table: other times, other terms, groups."""
