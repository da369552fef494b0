"""A person: the one place where they have a name and an address; and whether their data may be used."""
