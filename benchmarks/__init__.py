"""Measurements of Rapport on this machine, run by `make bench`."""
