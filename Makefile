# One virtual environment, made from the lock files; the second call finds its stamp and starts at once.
VENV ?= .venv
PYTHON ?= $(shell sh scripts/find-python)
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# Nothing is resolved; `pip check` finds what another Python needs besides.
INSTALL = sh scripts/install $(VENV)/bin/python
ARGS ?=

RUNTIME = $(VENV)/.runtime.stamp
DEVELOPMENT = $(VENV)/.development.stamp

.PHONY: demo test up lint format bench docs lock clean

demo: $(RUNTIME) ## The whole main job on a synthetic census
	$(VENV)/bin/planwise demo $(ARGS)

up: $(RUNTIME) ## Prefect server, worker and dashboard, together
	$(VENV)/bin/planwise up $(ARGS)

test: $(DEVELOPMENT) ## Everything: linters, SQL tests, then all of pytest
	$(VENV)/bin/python -m scripts.check $(ARGS)

lint: $(DEVELOPMENT) ## The linters only
	$(VENV)/bin/python -m scripts.check --lint

format: $(DEVELOPMENT)
	$(VENV)/bin/ruff check --fix --quiet .
	$(VENV)/bin/ruff format --quiet .
	$(VENV)/bin/sqlmesh --log-file-dir $(VENV)/logs -p sqlmesh_project -p enrichment_project format

bench: $(RUNTIME)
	$(VENV)/bin/planwise benchmark $(ARGS)

docs: $(RUNTIME) ## The generated reference pages
	$(VENV)/bin/python -m planwise.parameters.reference
	$(VENV)/bin/python -m planwise.engine.reference

# A development environment serves as a runtime one: the locks agree.
$(RUNTIME): requirements.lock pyproject.toml | $(VENV)/bin/python
	@if [ -e $(DEVELOPMENT) ]; then $(MAKE) --no-print-directory $(DEVELOPMENT); else \
	echo "Installing the locked packages (once, a minute or two) ..." && \
	$(INSTALL) requirements.lock && \
	$(PIP) install --no-deps --no-build-isolation -e . && $(PIP) check; fi
	@touch $@

$(DEVELOPMENT): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing the locked packages for development (once, a minute or two) ..."
	@$(INSTALL) requirements-dev.lock --no-compile # of thousands of files the tests import a few hundred
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PIP) check
	@touch $@

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
	echo "PlanWise needs Python 3.11 or newer with the venv module (Debian: apt-get install python3-venv);" >&2; \
	echo "install one, or name it: make PYTHON=/path/to/python3 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

# Versions, resolved on Python 3.11, with the hashes of their files; pip decides where from, so no index is
# written down: an index that has other files under a version is refused when they are installed.
COMPILE = $(VENV)/bin/pip-compile --quiet --generate-hashes --no-header --no-annotate --strip-extras --allow-unsafe \
	--build-deps-for=editable --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options
lock: $(DEVELOPMENT)
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) -c requirements.lock --extra team -o requirements-team.lock pyproject.toml
	$(COMPILE) -c requirements.lock --extra dev --extra team --extra scale -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
