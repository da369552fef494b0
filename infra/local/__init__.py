"""A real PostgreSQL and a real Kafka on this machine, from packages: no Docker, no Maven, no system Java.

`rapport up` and the tests start the same two servers through `postgres.Postgres` and `kafka.Kafka`. Each runs on a
leash (see `leash`), so that no server outlives the process that started it.
"""
