"""Who looks at the pages in the tests with a browser, and what there is to see: the examples and a simulated programme in March 2025."""

from datetime import datetime
from pathlib import Path

from infra.bootstrap import open_rapport
from infra.settings import Settings
from infra.simulate.stream import Simulation
from tests.infra.cli.process import run

EXAMPLES = Path(__file__).parents[4] / "examples"
NOW = "2025-03-20T09:00:00Z"
# The relationship of the example with the most to see: a mentee, a mentor and a line manager, ended and reviewed.
CMN = "4b8a7c35-1c8e-4a0d-8f0e-b3a1d5c9de03"
NAMES = {
    "learning-team": ("Learning team", "coordinator"),
    "sophie-grant": ("Sophie Grant", "mentee"),
    "david-mensah": ("David Mensah", "mentor"),
    "asha-nair": ("Asha Nair", "line_manager"),
    "people-team": ("People team", "hr"),
    "paula-stan": ("Paula Stan", "customer"),
    "atelier-mentors": ("Atelier Mentors", "supplier"),
    "ada": ("Ada", "auditor"),
    "alf": ("Alf", "analyst"),
}
DEMO = "".join(
    f'[[person]]\nid = "{id_}"\nname = "{name}"\nroles = ["{role}"]\n' for id_, (name, role) in NAMES.items()
)


def tell_everything(store: str) -> None:
    """Tell the examples with the workers keeping pace, then what a simulated programme would have told by now."""
    files = sorted(EXAMPLES.glob("*.jsonl"), key=lambda each: (each.stem == "refusals", each.stem))
    run(store, "submit", "--walk", *map(str, files), env={"RAPPORT_CLOCK": NOW})
    settings = Settings(store=store, synchronous="off", clock=datetime.fromisoformat(NOW))
    with open_rapport(settings) as rapport:
        told = list(Simulation(relationships=150, seed=7, until=datetime.fromisoformat(NOW)).messages())
        for start in range(0, len(told), 1000):
            rapport.handler.handle(told[start : start + 1000])
        rapport.engine().catch_up()
