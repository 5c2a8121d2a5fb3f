# Everything a newcomer needs. `make` alone tells what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run web test check check-style check-tests cluster chaos chaos-cluster bench \
	bench-files bench-cluster bench-routing bench-web docs lock clean

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
WORKERS ?= 2
NODE := tools/with-node $(VENV)
WEB := src/hongyan/web/index.html
WEB_SOURCES := web/index.html web/package-lock.json web/vite.config.ts $(shell find web/src web/public web/scripts sdk/typescript/src -type f)

help:  ## Tell what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/pyvenv.cfg:
	@tools/make-venv $(VENV) $(PYTHON)

$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml | $(VENV)/pyvenv.cfg
	$(BIN)/pip install -q --require-hashes -r requirements/build.txt -r requirements/run.txt
	$(BIN)/pip install -q --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	$(BIN)/pip install -q --require-hashes -r requirements/test.txt
	@touch $@

$(WEB): $(WEB_SOURCES) | $(VENV)/.run
	@$(NODE) tools/npm-install web
	@echo "Building the web client."
	@$(NODE) npm run build --prefix web >$(VENV)/web-build.log 2>&1 || { cat $(VENV)/web-build.log; exit 1; }
	@tail -1 $(VENV)/web-build.log

run: $(VENV)/.run $(WEB)  ## Start a server on this machine (ARGS="--listen 0.0.0.0:8800")
	@exec $(BIN)/hongyan serve --open $(ARGS)

web: $(WEB)  ## Build the web client, if it has changed

cluster: $(VENV)/.test  ## Start a whole cluster on this machine, and stop it at Ctrl-C
	@tools/prepare-tests
	@exec $(BIN)/python -m tools.cluster $(ARGS)

test: $(VENV)/.test $(WEB)  ## Run every test, installing what it needs
	@$(NODE) tools/prepare-tests
	$(NODE) $(BIN)/pytest -n $(WORKERS) --dist loadgroup $(ARGS) || { \
		echo "What failed runs once more, one test after the other: a busy machine makes tests late."; \
		$(NODE) $(BIN)/pytest --last-failed --last-failed-no-failures none; }

check: $(VENV)/.test  ## Style, types, layers and all tests that need no real engine: two minutes
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target check-style check-tests

check-style: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check-tests: $(VENV)/.test  # the longest first
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not engine" \
		tests/property tests/architecture tests/contract tests/unit $(ARGS)

chaos: $(VENV)/.test  ## Kill the server again and again under load; lose no message, file or event
	$(BIN)/python -m tests.chaos $(ARGS)

chaos-cluster: $(VENV)/.test  ## Let faults befall a cluster under load, as root: kills, cuts, pauses, clocks
	@$(NODE) tools/prepare-tests
	$(BIN)/python -m tests.chaos.cluster $(ARGS)

bench: $(VENV)/.test  ## Measure
	$(BIN)/python -m benchmarks $(ARGS)

bench-files: $(VENV)/.test  ## Measure files beside nginx, REST beside Starlette, and webhooks
	$(BIN)/python -m benchmarks.files $(ARGS)
	$(BIN)/python -m benchmarks.rest $(ARGS)

bench-cluster: $(VENV)/.test  ## Measure what a message costs each process of a cluster, beside the embedded server
	@$(NODE) tools/prepare-tests
	$(BIN)/python -m benchmarks.cluster $(ARGS)

bench-routing: $(VENV)/.test  ## Compare the ways of routing for 1 to 16 gateways; draw docs/operate/routing-*.svg
	@tools/prepare-tests
	$(BIN)/python -m benchmarks.routing $(ARGS)

bench-web: $(VENV)/.test $(WEB)  ## Measure the web client in Chromium
	@$(NODE) tools/prepare-tests
	$(BIN)/python -m benchmarks.web $(ARGS)

docs: $(VENV)/.test  ## Make protocol/ and docs/operate/settings.md from the code
	$(BIN)/python tools/generate_protocol.py

lock: $(VENV)/.test  ## Write requirements/*.txt (ARGS=--upgrade chooses all versions anew)
	tools/lock $(BIN)/uv $(ARGS)

clean:  ## Remove what was made here; the data folder stays
	rm -rf $(VENV) src/hongyan/web build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
