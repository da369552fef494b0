"""The record in a server of PostgreSQL."""
