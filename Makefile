# mnistlab. `make help` lists the targets; every one of them sets up .venv first, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SUPPLY := $(VENV)/supply
NODE_READY := node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help setup run draw lab app test lint types faults fuzz contract load mutants architecture picture notebooks readability doctor clean container-test lock sbom audit

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(READY) ## install everything into .venv (a few minutes, once)

# What the lock names and nothing else, by its hashes; then the lab itself, which brings nothing more.
$(READY): pyproject.toml requirements.lock jupyter/overrides.json jupyter/page_config.json jupyter/server.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mnistlab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@cp jupyter/overrides.json jupyter/page_config.json $(VENV)/share/jupyter/lab/settings/
	@mkdir -p $(VENV)/etc/jupyter
	@cp jupyter/server.json $(VENV)/etc/jupyter/jupyter_server_config.json
	@touch $@

# Fewer passes in the comparison than 03_train makes by default, so that everything ends within five minutes on two slow cores.
run: $(READY) ## run the notebooks headless, in order: train, judge, report (under 5 minutes)
	$(BIN)/mnistlab run -p 03_train.comparison_epochs=1

draw: $(READY) ## draw a digit in the browser
	$(BIN)/mnistlab draw

# Three settings in jupyter/ make the pad twice as quick. page_config.json: the tab's icon stays as it is, or it would change
# twice for every move of the pen. overrides.json: the circle of a busy kernel is in the status bar, since the toolbar measures
# itself again at every change. server.json: messages of the kernel are sent at once (mnistlab/pad/websocket.py).
lab: $(READY) ## open JupyterLab on the drawing notebook
	$(BIN)/mnistlab lab

app: $(READY) ## serve the drawing pad by itself, as a web page (SHARE=1: to others in this network, too)
	$(BIN)/mnistlab app $(if $(SHARE),--share)

# One process per core with one thread each: on a full machine, threads that wait for one another cost far more than they bring.
test: $(READY) lint types ## check style and types, then run all tests: package, notebooks, browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(READY) ## check the style of the code, and the types of the JavaScript
	$(BIN)/ruff check mnistlab tests tools deploy
	$(BIN)/ruff format --check mnistlab tests tools deploy
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/hadolint deploy/Dockerfile
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_READY) && npm run --silent lint; \
	else echo 'make lint: skipped eslint and tsc, which check the JavaScript of the page: no npm (apt-get install nodejs npm)'; fi

# Node.js is for those who change the page alone: nothing of it is built.
$(NODE_READY): package.json package-lock.json
	npm ci --loglevel=error --no-fund --no-audit
	@touch $@

types: $(READY) ## check the types of the package
	$(BIN)/mypy

faults: $(READY) ## make writes fail and kill processes, 200 times, and check that nothing is left half done
	FAULT_KILLS=200 $(BIN)/python -m pytest -q tests/registry/test_faults.py tests/pipeline/test_interruptions.py \
		tests/feedback/test_store.py

fuzz: $(READY) ## corrupt versions at random, 3000 times for each kind, and check that none is misread
	FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest -q tests/registry/test_fuzz.py \
		tests/pad/test_what_is_written.py tests/feedback/test_label_review.py

load: $(READY) ## measure the server under load: 100,000 requests, 50 switches of the version (minutes)
	$(BIN)/mnistlab benchmark serve --requests 100000 --switches 50

# Needs root, and buildah, podman, crun and debootstrap; prints what is missing.
container-test: $(READY) ## build the serving image without Docker, run it confined, stop it (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -rs tests/deploy/test_container.py

contract: $(READY) ## the API against its own description, 20,000 requests
	SCHEMATHESIS_EXAMPLES=500 $(BIN)/python -m pytest -q tests/serve/test_contract.py

mutants: $(READY) ## break the deciding wings in one place at a time; do tests notice? (MUTANTS=--help tells more)
	$(BIN)/python tools/mutants.py $(MUTANTS)

architecture: $(READY) ## redraw the figure and rewrite the table in docs/architecture.md
	$(BIN)/python tools/architecture.py

picture: $(READY) ## draw on the pad in a browser, and keep what is seen as docs/pad.gif
	$(BIN)/python tools/moving_picture.py docs/pad.gif

notebooks: $(READY) ## run the notebooks and keep their outputs in notebooks/, before a commit
	$(BIN)/mnistlab run --update

readability: $(READY) ## how the notebooks read: length of cells, words before them, ease of the prose
	$(BIN)/python tools/readability.py

# Tools that look at the packages lie apart from them. `make lock` locks them, too.
$(SUPPLY)/.ready: tools/supply.lock
	$(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement tools/supply.lock
	@touch $@

# One lock for every system and Python from 3.11 on: lines that hold for some carry a condition. What is locked stays, unless
# LOCK=--upgrade. Hatchling and editables build the lab itself. No line names an index, so each machine asks its own.
LOCKING := --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet $(LOCK)
lock: $(SUPPLY)/.ready ## write requirements.lock anew after a change of pyproject.toml or constraints.txt (LOCK=--upgrade: newest)
	printf 'hatchling>=1.25\neditables\n' | $(SUPPLY)/bin/uv pip compile $(LOCKING) --extra all --extra test --extra mutants \
		--constraint constraints.txt --output-file requirements.lock pyproject.toml -
	$(SUPPLY)/bin/uv pip compile $(LOCKING) --output-file tools/supply.lock tools/supply.in

audit: $(SUPPLY)/.ready ## known vulnerabilities of every locked package; fails where one could not be asked about
	$(SUPPLY)/bin/python tools/audit.py requirements.lock

sbom: $(READY) $(SUPPLY)/.ready ## what is installed, with versions and licences, as build/sbom.json (CycloneDX)
	@mkdir -p build
	$(SUPPLY)/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-format JSON \
		--output-file build/sbom.json $(BIN)/python

doctor: $(READY) ## say what this machine has and what is missing
	$(BIN)/mnistlab doctor

clean: ## remove .venv and caches; models, reports and data stay
	rm -rf $(VENV) node_modules .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
