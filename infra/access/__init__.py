"""Who is asking over HTTP: tokens and their keys, and what a caller may read."""
