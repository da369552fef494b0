"""The rules, told as given, when, then."""
