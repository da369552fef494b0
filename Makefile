# The front door. `make` alone says what there is.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
# Test processes; two suit a small machine.
N ?= 2
# For instance: make test ARGS="tests/domain -k pause"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench lock clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything pinned, and .venv/bin/rapport

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rapport needs Python 3.11 or newer")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $(STAMP)

run: setup ## Play the examples into a fresh store and serve it until Ctrl-C; without a terminal it ends by itself
	$(PY) -m examples.play $(ARGS)

# Faults are tried on real servers, several at once, and a small machine may let one run out of its time: what fails in
# company runs once more alone, and has to pass there. It is a fault of the test all the same, and to be mended.
test: setup ## Run the tests
	$(PY) -m pytest -n $(N) --dist loadgroup --no-loadscope-reorder $(ARGS) \
		|| $(PY) -m pytest --last-failed --last-failed-no-failures none $(ARGS)

check: setup ## Lint, format, types, layers, made documents, every clause implemented and tested, pages made from the code
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m infra.reference.pages --check
	$(VENV)/bin/rapport codes trace --strict > /dev/null

bench: setup ## Measure on this machine
	$(PY) -m benchmarks $(ARGS)

# No index, no find-links, no address: the files name packages and versions alone.
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate

lock: ## Pin the requirements anew (make lock ARGS=--upgrade)
	test -x $(VENV)/bin/uv || { $(PYTHON) -m venv $(VENV) && $(PY) -m pip install --quiet uv; }
	$(COMPILE) $(ARGS) --extra local -o requirements.txt pyproject.toml
	$(COMPILE) $(ARGS) --extra local --extra explore --group dev -c requirements.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove .venv, caches and builds
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
