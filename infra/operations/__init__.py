"""What a running process shows of itself: logs, metrics, traces, and whether it lives and is ready.

`process.observed` gives all of it to a command that runs for long.
"""
