"""Measurements of Rapport on this machine, run by `make bench`.

Each module has `run(full)`, which prints what it measured beside what it is compared with. `full` takes the sizes at which
the promises are made; without it a module takes seconds.
"""

MODULES = (
    "intake",
    "verify",
    "sealing",
    "rebuild",
    "growth",
    "scale",
    "projections",
    "workers",
    "deadlines",
    "sharing",
    "pages",
    "suppression",
    "questions",
    "postgres",
    "partitioned",
    "peers",
    "kafka",
    "http",
)
