# mnistlab. `make help` lists the targets; every one of them sets up .venv first, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# JupyterLab refuses to start as root unless told; in a container root is all there is.
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help setup run lab app test lint types faults fuzz notebooks doctor clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## install everything into .venv (a few minutes, once)

$(READY): pyproject.toml constraints.txt jupyter/overrides.json jupyter/page_config.json jupyter/server.json
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mnistlab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[postgres,test]' --constraint constraints.txt
	@mkdir -p $(VENV)/share/jupyter/lab/settings
	@cp jupyter/overrides.json jupyter/page_config.json $(VENV)/share/jupyter/lab/settings/
	@mkdir -p $(VENV)/etc/jupyter
	@cp jupyter/server.json $(VENV)/etc/jupyter/jupyter_server_config.json
	@touch $@

# Fewer passes in the comparison than 03_train has by itself, so that all of it ends within five minutes on two slow cores.
run: $(READY) ## run all notebooks headless: train, judge, report (under 5 minutes)
	$(BIN)/mnistlab run -p 03_train.comparison_epochs=1

# Three settings in jupyter/ keep the pad quick, twice as quick in all. page_config.json: the tab's icon stays as it is, or it
# would change twice for every move of the pen. overrides.json: the circle of a busy kernel is in the status bar, since the
# toolbar measures itself anew for every change. server.json: what the kernel says is sent at once (mnistlab/pad/websocket.py).
# The default address is there for whoever follows the link in the terminal.
lab: $(READY) ## open JupyterLab on the drawing notebook
	$(BIN)/jupyter lab $(AS_ROOT) --LabApp.default_url=/lab/tree/05_draw.ipynb notebooks/05_draw.ipynb

# What it serves, and how, is in jupyter/app: this machine only, a token in the address, idle kernels ended.
app: $(READY) ## serve the drawing pad alone, as a web page
	JUPYTER_PATH=$(CURDIR)/jupyter/app $(BIN)/voila jupyter/app/draw.ipynb --Voila.config_file_paths=jupyter/app

# A process a core, and one thread in each: threads that wait for one another on a full machine cost many times their use.
test: $(READY) lint ## run all tests: package, notebooks, browser
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

lint: $(READY) ## check the style of the code
	$(BIN)/ruff check mnistlab tests tools
	$(BIN)/ruff format --check mnistlab tests tools
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml

types: $(READY) ## check the types of the package
	$(BIN)/mypy

faults: $(READY) ## fail and kill on purpose, 200 times, and see that nothing is half done
	FAULT_KILLS=200 $(BIN)/python -m pytest -q tests/registry/test_faults.py tests/pipeline/test_interruptions.py

fuzz: $(READY) ## spoil versions at random, 3000 ways of each kind, and see that none is read otherwise
	FUZZ_EXAMPLES=3000 $(BIN)/python -m pytest -q tests/registry/test_fuzz.py

notebooks: $(READY) ## run the notebooks and keep their outputs in notebooks/, for a commit
	$(BIN)/mnistlab run --update

doctor: $(READY) ## say what this machine has and what is missing
	$(BIN)/mnistlab doctor

clean: ## remove .venv and caches; models, reports and data stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
