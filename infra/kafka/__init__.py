"""Kafka in and out: messages from `rapport.commands`, receipts, dead letters, and operational facts to `rapport.events`.

Where a source has been read to is kept in the store, in the transaction of what came of it, and not by the broker. Every
trouble therefore has one cure, and `infra.operations.keep` applies it: drop all clients and begin anew from the store.
"""
