"""Reactions to events: commands, deadlines and notifications, one file a worker."""
