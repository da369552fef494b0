"""Message files to learn from and to try things with; `python -m examples.play` plays and serves them (`make run`)."""
