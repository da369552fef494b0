"""The engine that keeps projections up to date: pages of the log in, rows and position out, in one transaction."""
