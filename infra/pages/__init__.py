"""Answers as pages that a person reads in a browser: one file each, without scripts or anything from elsewhere."""
