"""`make bench`: run the measurements, all or the named ones; `--full` at the sizes of the promises, which takes long."""

import argparse
import platform
import time
from importlib import import_module

from benchmarks import MODULES


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MODULES, []], help="which measurements; all if none is named")
    parser.add_argument("--full", action="store_true", help="at full size")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; compare ratios, never absolutes"
    )
    for name in options.names or MODULES:
        module = import_module(f"benchmarks.{name}")
        print(f"\n== {name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        start = time.perf_counter()
        module.run(full=options.full)
        print(f"   ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
