"""Notifications: kept in the transaction that decided them, delivered at least once, by webhook or by e-mail."""
