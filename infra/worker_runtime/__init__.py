"""The workers at work: what they keep, when they look again, what they send, all in the transaction of their position.

`workers/` says what should happen; here it is made to happen once. One process at a time holds the lease and walks
through the log; commands go out of an outbox through the same handler as everybody's messages, notifications through
`infra.notifications`.
"""
