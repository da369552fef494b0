# The front door. `make` alone says what there is.
# The Python of the distribution where it is new enough: those built for it are faster than one compiled as it comes.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null \
	&& echo /usr/bin/python3 || echo python3)
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
# Test processes; four suit two processors, for many tests wait.
N ?= 4
# For instance: make test ARGS="tests/domain -k pause"
ARGS ?=
# What browsers run, from npm; the files are kept in this repository, so nothing is fetched to build or to run.
HTMX := 2.0.11
AXE := 4.14.1
# The browser in which pages are tested: Debian's Chromium without windows, which takes a third less of a processor, or the whole one.
export CHROMIUM ?= $(firstword $(wildcard /usr/bin/chromium-headless-shell /usr/bin/chromium) /usr/bin/chromium-headless-shell)
# The tests start hundreds of processes: each would compile what it imports if none might keep it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench soak messages vendor chromium screenshots lock clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything pinned, and .venv/bin/rapport

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Rapport needs Python 3.11 or newer")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): that takes some minutes the first time."
	@$(PY) -m pip install --disable-pip-version-check -r requirements-dev.txt | awk \
		'/^Collecting/ && ++n % 20 == 0 { print n " packages found"; fflush() } /^Installing/ { print "installing them"; fflush() }'
	@# A pipe hides that it failed; what is there already costs seconds.
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $(STAMP)

run: setup ## Play the examples into a fresh store and serve it until Ctrl-C; without a terminal it ends by itself
	$(PY) -m examples.play $(ARGS)

# Faults are tried on real servers, several at once, and a small machine may let one run out of its time: what fails in
# company runs once more alone, and has to pass there. It is a fault of the test all the same, and to be mended.
test: setup chromium ## Run the tests
	$(PY) -m pytest -n $(N) --dist loadgroup --no-loadscope-reorder $(ARGS) \
		|| $(PY) -m pytest --last-failed --last-failed-no-failures none $(ARGS)

check: setup ## Lint, format, types, layers, made documents, every clause implemented and tested, pages made from the code
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(PY) -m infra.reference.pages --check
	$(PY) -m infra.reference.catalogues --check
	$(VENV)/bin/rapport codes trace --strict > /dev/null

bench: setup ## Measure on this machine
	$(PY) -m benchmarks $(ARGS)

soak: setup ## Load a server for an hour, and say whether it stays flat (ARGS="--minutes 10")
	$(PY) -m benchmarks.soak $(ARGS)

# No index, no find-links, no address: the files name packages and versions alone.
COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --no-annotate

messages: setup ## Find the words of the pages and compile their translations (infra/web/locale)
	$(PY) -m infra.reference.catalogues

vendor: ## Fetch htmx and axe-core from npm anew, in the versions that this file names
	$(PYTHON) -m tests.infra.web.vendored htmx.org@$(HTMX) axe-core@$(AXE)

chromium: ## Install the browser of the tests where it is missing (Debian, as root)
	@test -x $(CHROMIUM) || { test "$$(id -u)" = 0 && { apt-get -qq update >/dev/null || true; } && \
		for each in chromium-headless-shell chromium; do \
			DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $$each >/dev/null && break; \
		done; } || \
		echo "The tests of the pages need Chromium and will fail: install it, and say where it is by CHROMIUM=/path" >&2

screenshots: setup chromium ## Take the pictures of pages in docs/images anew
	SCREENSHOTS=1 $(PY) -m pytest -q tests/infra/web/browser/test_screenshots.py

lock: ## Pin the requirements anew (make lock ARGS=--upgrade)
	test -x $(VENV)/bin/uv || { $(PYTHON) -m venv $(VENV) && $(PY) -m pip install --quiet uv; }
	$(COMPILE) $(ARGS) --extra local -o requirements.txt pyproject.toml
	$(COMPILE) $(ARGS) --extra local --extra explore --group dev -c requirements.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove .venv, caches and builds
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
