# Everything a newcomer runs. Needs Python 3.11 or newer, git and make; makes its own environment in .venv.
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(shell $(name) -c 'import sys; print(sys.executable) if sys.version_info >= (3, 11) else None' 2>/dev/null | grep -v None)))
BIN := .venv/bin
STAMP := .venv/.installed
MUTATION_STAMP := .venv/.installed-mutation
DEMO_STAMP := .venv/.installed-demo
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help env demo test lint types unit coverage fidelity parity examples wheel lowest docs bench soak mutants clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv .venv

$(STAMP): pyproject.toml .venv/bin/python
	$(PIP) install -e '.[dev]'
	@touch $(STAMP) $(DEMO_STAMP)

$(DEMO_STAMP): pyproject.toml .venv/bin/python
	$(PIP) install -e '.[demo]'
	@touch $(DEMO_STAMP)

$(MUTATION_STAMP): pyproject.toml .venv/bin/python
	$(PIP) install -e '.[dev,mutation]'
	@touch $(STAMP) $(DEMO_STAMP) $(MUTATION_STAMP)

env: $(STAMP) ## Make the environment with everything in it

demo: $(DEMO_STAMP) ## Show the main job on the sandbox
	@$(BIN)/python examples/demo.py

lint: $(STAMP) ## Style and import rules
	@echo "== ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "== import rules" && $(BIN)/lint-imports

types: $(STAMP) ## mypy strict and pyright
	@echo "== mypy" && $(BIN)/mypy
	@echo "== pyright" && $(BIN)/pyright --pythonpath $(BIN)/python

COVERED := $(addprefix tests/,entities identity conflict plan state testing)

unit: $(STAMP) ## All tests; the pure rooms and the state must be covered to the last branch by tests of their own
	@echo "== tests of the pure rooms and of the state" && PYTHONHASHSEED=0 $(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-branch --cov-report= $(COVERED)
	@echo "== their coverage, 100 % of branches" && $(BIN)/coverage report --fail-under=100 --skip-covered --include='src/marketo_dynamics_sync/entities/*,src/marketo_dynamics_sync/identity/*,src/marketo_dynamics_sync/conflict/*,src/marketo_dynamics_sync/plan/*,src/marketo_dynamics_sync/state/*'
	@echo "== all other tests" && PYTHONHASHSEED=0 $(BIN)/python -m pytest -n auto --dist worksteal --no-cov $(addprefix --ignore=,$(COVERED))

coverage: $(STAMP) ## All tests with branch coverage of everything (takes twice as long)
	PYTHONHASHSEED=0 $(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-branch --cov-report=
	$(BIN)/coverage report --skip-covered --sort=cover

fidelity: $(STAMP) ## Write docs/fidelity.md from what the tests see of the sandbox
	$(BIN)/python -m pytest --no-cov -q -p no:cacheprovider --fidelity=build/fidelity.json tests
	$(BIN)/python scripts/fidelity.py build/fidelity.json

examples: $(STAMP) ## Run the examples of README and docstrings
	@echo "== examples" && $(BIN)/python -m pytest --no-cov -q -p no:cacheprovider --doctest-modules src scripts/readme_examples.py

wheel: $(STAMP) ## Build the wheel and import it in a clean environment
	@echo "== wheel" && $(BIN)/python scripts/check_wheel.py

lowest: $(STAMP) ## Run the core tests with the oldest dependencies we allow
	@echo "== oldest dependencies" && $(BIN)/python scripts/check_lowest.py

test: lint types examples docs wheel lowest unit ## Everything CI runs

docs: $(STAMP) ## Build the documentation
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

parity: $(STAMP) ## Make docs/parity.md of docs/parity.toml
	$(BIN)/python scripts/parity.py

SEEDS ?= 20000
START ?= 0
JOBS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')

soak: $(STAMP) ## Play the simulation with many seeds: make soak SEEDS=20000 START=0 JOBS=8
	$(BIN)/python -W error -m tests.simulation.soak --seeds $(SEEDS) --start $(START) --jobs $(JOBS) --report build/soak.txt

bench: $(STAMP) ## Measure calls, time and memory
	$(BIN)/python benchmarks/run.py

mutants: $(MUTATION_STAMP) ## Break the pure rooms in every small way, and see that tests notice (takes long)
	$(BIN)/python scripts/mutants.py --fresh

clean: ## Remove what make made
	rm -rf .venv mutants mutants.log build dist docs/_build .coverage .mypy_cache .pytest_cache .ruff_cache
