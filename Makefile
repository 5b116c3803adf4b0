# The verbs. Each sets up what it needs first: a virtual environment in .venv, installed by hash.

.DEFAULT_GOAL := help
BIN := .venv/bin
# What the demonstration needs is installed; then also what working on Vigil needs, three times as much.
RUNS := .venv/.runs
READY := .venv/.ready
# Smile ID's client for Node, for a test. Its lock file names packages, versions and hashes, and no address.
NPM := tests/conformance/npm
NODE_CLIENT := $(NPM)/node_modules/.package-lock.json
# What `bench-peers` measures beside Vigil lives apart, so that nothing of it is installed with Vigil.
PEERS := .venv-peers/.ready
UV_LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links

# More workers than a small machine has cores, since most tests wait for a server or for a time to pass. A worker that
# has no tests left takes half of what another still has: `load` hands out one test at a time, so that each worker
# starts each server of a module or a package, and `loadfile` leaves the longest files for the end.
WORKERS := 4
TOGETHER = $(BIN)/python -m pytest --cache-clear --numprocesses $(WORKERS) --dist worksteal -m "not alone"
# Two at a time: the demonstration waits for two minutes, and all others are done beside it. Only their files are read.
ALONE = $(BIN)/python -m pytest --cache-clear --numprocesses 2 --dist loadfile --no-loadscope-reorder -m alone \
	$$(grep -rl --include='test_*.py' 'mark[.]alone' tests | sort)
# On a busy machine a test may run out of time. A test that failed is run once more, with no other beside it, and counts
# as failed only if it fails again. Its first failure stays in the output. What failed in an earlier run is forgotten
# first: a run that could not begin would otherwise pass with those few. Such a run (any status but 1) is not repeated.
AGAIN = [ $$? -eq 1 ] && echo "Once more, one by one:" && $(BIN)/python -m pytest --last-failed -m

# The many processes of a test run share their compiled modules, also where the environment forbids to keep them.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo dev test fuzz coverage check bench bench-growth bench-peers faults faults-short format docs lock histories

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(RUNS) ## Set up and watch verifications go through, from callback to evidence
	@$(BIN)/vigil demo

dev: $(RUNS) ## Run the whole stack on this machine, until Ctrl-C
	@$(BIN)/vigil dev

test: $(READY) $(NODE_CLIENT) ## Run all tests: most of them beside each other, then in pairs those that a busy machine fails
	@status=0; $(TOGETHER) || { $(AGAIN) "not alone"; } || status=1; \
		$(ALONE) || { $(AGAIN) alone; } || status=1; exit $$status

EFFORT := 50
fuzz: $(READY) ## Try random courses and random bytes, EFFORT times as many as the tests do
	FUZZ_EFFORT=$(EFFORT) $(BIN)/python -m pytest tests/fuzz tests/domain/test_state_machine.py

coverage: $(READY) ## Run all tests and say which lines and branches none of them reaches
	@status=0; $(TOGETHER) --cov --cov-report= || status=1; \
		$(ALONE) --cov --cov-append --cov-report=term-missing:skip-covered || status=1; exit $$status

check: $(READY) ## Check format, lint, types, import contracts, compose file, alerts and requirements
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd clients/python && ../../$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@if command -v promtool >/dev/null; then promtool check rules deploy/alerts.yml && \
		promtool test rules deploy/alerts.tests.yml; else echo "promtool is not installed: alerts are not tested"; fi
	@! grep -nE '://|^ *(-i|-f|--index-url|--extra-index-url|--find-links)\b' requirements/* \
		|| { echo "requirements/ names packages and versions only, no addresses" >&2; exit 1; }

# WRITE=docs/performance.md also writes the tables into that page.
BENCH = @$(BIN)/python -m benchmarks.
TO_PAGE = $(if $(WRITE),--write $(WRITE))
bench: $(READY) ## Measure Vigil beside the bare Temporal client, and what sealing, pages, commands and messages cost
	$(BENCH)side_by_side $(TO_PAGE)
	$(BENCH)verification_cost $(TO_PAGE)
	$(BENCH)stalled_temporal $(TO_PAGE)
	$(BENCH)sealed_storage $(TO_PAGE)
	$(BENCH)fresh_ring $(TO_PAGE)
	$(BENCH)pages $(TO_PAGE)
	$(BENCH)command_start $(TO_PAGE)
	$(BENCH)one_time_password
	$(BENCH)hostile_callbacks

bench-growth: $(READY) ## Measure an installation while 20,000 verifications become open
	$(BENCH)growth $(TO_PAGE)

bench-peers: $(READY) $(PEERS) ## Measure DBOS with PostgreSQL, Restate and Vigil at the same work
	$(BENCH)peer_comparison $(TO_PAGE)

SEED := 1
STORAGE := folder
faults: $(READY) ## Kill and stop real processes under 2,000 verifications, and count what is lost (SEED=1,2,3)
	@$(BIN)/python -m faults --seed $(SEED) --storage $(STORAGE) $(TO_PAGE)

faults-short: $(READY) ## The same in about two minutes, with few verifications
	@$(BIN)/python -m faults --short --seed $(SEED)

format: $(READY) ## Format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY) ## Write the tables about senders, the page of problems and that of settings
	$(BIN)/python -m docs.sender_tables
	$(BIN)/python -m docs.problem_page
	$(BIN)/python -m docs.settings_page

lock: $(READY) ## Pin requirements/*.in anew, with hashes
	$(UV_LOCK) --upgrade requirements/run.in --output-file requirements/run.txt
	$(UV_LOCK) --upgrade --constraint requirements/run.txt requirements/demo.in --output-file requirements/demo.txt
	$(UV_LOCK) --upgrade --constraint requirements/demo.txt requirements/dev.in --output-file requirements/dev.txt
	$(UV_LOCK) --upgrade requirements/peers.in --output-file requirements/peers.txt

histories: $(READY) ## Record the workflow histories of this release that are missing
	$(BIN)/python -m tests.workflows.record_histories

# ------------------------------------------------------------ set-up

$(NODE_CLIENT): $(NPM)/package-lock.json
	@if command -v npm >/dev/null; then \
		npm ci --prefix $(NPM) --ignore-scripts --silent --no-audit --no-fund \
			|| echo "npm could not install the client for Node: its test is skipped" >&2; \
	else echo "npm is not installed: the test of the client for Node is skipped"; fi

$(PEERS): $(RUNS) requirements/peers.txt benchmarks/peers/npm/package-lock.json
	@$(BIN)/python -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/peers.txt
	@npm ci --prefix benchmarks/peers/npm --ignore-scripts --silent --no-audit --no-fund
	@touch $@

# pip shows its progress. Most modules of the packages are never imported: Python compiles those that are.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-compile

# A name on PATH may be a shim without an interpreter behind it, and Debian ships one without venv: ask each.
CAN_SET_UP := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

$(RUNS): requirements/demo.txt pyproject.toml
	@set -eu; for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		if "$$python" -c '$(CAN_SET_UP)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
		echo "Vigil needs Python 3.11 or newer with its venv module, and found none." >&2; \
		echo "Install it (Debian, Ubuntu: python3 and python3-venv) or name one: make PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
		echo "Setting up .venv with $$("$$found" --version)"; \
		"$$found" -m venv .venv; \
	fi
	@$(INSTALL) --require-hashes --requirement requirements/demo.txt
	@$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(RUNS) requirements/dev.txt clients/python/pyproject.toml
	@$(INSTALL) --require-hashes --requirement requirements/dev.txt
	@$(INSTALL) --quiet --no-deps --no-build-isolation --editable clients/python
	@touch $@
