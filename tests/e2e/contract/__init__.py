"""What Rapport promises to the outside, tested from the outside: the command line, and SQL on the store's file."""
