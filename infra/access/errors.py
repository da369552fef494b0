"""What can go wrong while a caller is made known."""


class NotKnown(Exception):
    """Nobody knows who is asking: there is no token, or it is not valid. The message says why and has nothing of the token."""


class KeysNotReached(NotKnown):
    """The keys that sign tokens can't be read right now, so nobody can tell who is asking; trying again later may help."""
