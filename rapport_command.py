"""The console script `rapport`, in a module of its own beside the packages: nothing can stand in their way.

A folder that happens to be called `infra` or `domain`, in the working folder or on PYTHONPATH, would be imported for ours. So our
packages are taken from where this file is before anything else is imported. This module may not live in `infra`: it would
itself be looked for in that other folder.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

PACKAGES = ("domain", "projections", "workers", "infra")


def take_our_packages() -> None:
    """Import our packages from beside this file and no other place; exits 2 with a sentence if that is impossible."""
    folder = Path(__file__).resolve().parent
    for name in PACKAGES:
        spec = PathFinder.find_spec(name, [str(folder)])
        if spec is None or spec.loader is None:
            sys.stderr.write(f"error: Rapport's package {name} is not in {folder}: install Rapport anew\n")
            raise SystemExit(2)
        module = module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)


def main() -> None:
    """Run the command."""
    take_our_packages()
    from infra.cli.app import main as run

    run()


if __name__ == "__main__":
    main()
