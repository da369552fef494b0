"""A conduct case: what is done about a reported breach, from opening to closing."""
