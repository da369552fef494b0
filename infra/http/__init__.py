"""Rapport over HTTP: messages in, facts and answers out, and who may have which."""
