"""A process that delivers what is due in the store that its environment names, under a short lease.

python -m tests.infra.notifications.deliverer
"""

from infra.bootstrap import open_rapport
from infra.notifications.deliver import Deliverer

LEASE = 1.0


def main() -> None:
    with open_rapport() as rapport:
        Deliverer(rapport.database, rapport.settings, lease_seconds=LEASE).deliver()


if __name__ == "__main__":
    main()
