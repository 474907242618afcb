# docgenctl: `make help` lists what there is.
# Setup leaves stamps in .venv, so that a second run of anything costs nothing.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
RUNTIME := .venv/.ready-to-run
DEV := .venv/.ready-to-test
PYTEST_ARGS ?=
empty :=
SERVER_SOURCES := $(subst $(empty) $(empty),:,$(abspath $(wildcard server_images/*/src)))

.PHONY: help setup setup-dev engine engine-stop compose browser peers up down check test conformance soak bench docs lock wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(RUNTIME) ## Make .venv with the tool and what it needs, by hash
	@:

setup-dev: $(DEV) ## Make .venv with what checks and tests need too
	@:

engine: ## Find a Docker Engine; as root on Debian or Ubuntu install and start one (ENGINE=none: do not)
	@$(PYTHON) install/engine.py ensure

engine-stop: ## Stop the engine that `make engine` started
	@$(PYTHON) install/engine.py stop

compose: ## Fetch the Compose plugin that tests and benchmarks compare with, into the cache
	@$(PYTHON) install/compose.py

browser: ## Find a Chromium for the tests of pages; as root on Debian install one
	@$(PYTHON) install/browser.py

peers: ## Fetch what benchmarks compare with: nginx and HAProxy (as root on Debian), FastMCP, mcp-proxy, py-spy
	@$(PYTHON) install/peers.py

up: setup ## Start the stack of this repository and prove that it works
	@engine=$$($(PYTHON) install/engine.py ensure --or-processes) || exit $$?; \
	  DOCGENCTL_ENGINE="$${DOCGENCTL_ENGINE:-$$engine}" $(BIN)/docgenctl up

down: setup ## Remove the stack's containers and networks; data stays
	@$(BIN)/docgenctl down

check: setup-dev ## Lint, formatting, types, and the borders between the rooms
	@printf 'ruff check    ' && $(BIN)/ruff check .
	@printf 'ruff format   ' && $(BIN)/ruff format --check .
	@printf 'mypy          ' && $(BIN)/mypy
	@printf 'mypy scripts  ' && $(BIN)/mypy install docs/generate.py
	@PYTHONPATH="$(SERVER_SOURCES)" $(BIN)/lint-imports >.venv/lint-imports.log 2>&1 || { cat .venv/lint-imports.log; exit 1; }
	@printf 'lint-imports  ' && grep '^Contracts:' .venv/lint-imports.log

test: check engine compose browser ## Check, then run every test (PYTEST_ARGS for more arguments)
	@$(BIN)/python -m tests.lanes -m "not soak" --reruns 1 $(PYTEST_ARGS)

conformance: setup-dev ## Run the MCP conformance suite on our servers' application, directly and through the orchestrator
	@$(BIN)/python -m pytest tests/servers/conformance -q

soak: setup-dev engine compose browser ## Run the long tests with full counts
	@$(BIN)/python -m pytest -m soak --timeout 3600 $(PYTEST_ARGS)

bench: setup-dev engine compose peers ## Print measurements against a floor or a peer
	@for script in benchmarks/[a-z]*.py; do echo "$$script"; \
	  PYTHONPATH="$(SERVER_SOURCES)" $(BIN)/python "$$script" || exit 1; done

docs: setup ## Write the generated parts of the reference again
	@$(BIN)/python docs/generate.py

lock: setup-dev ## Pin all requirements with hashes again (UPGRADE=1: take new versions)
	@install/lock.sh

wheel: $(RUNTIME) ## Build the wheel into dist/, without downloading anything
	@$(PIP) wheel --no-deps --no-build-isolation --no-index --wheel-dir dist . && ls dist

clean: ## Remove .venv and everything that checks, tests and builds leave
	@rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@PYTHON='$(PYTHON)' install/venv.sh

$(RUNTIME): requirements/docgenctl.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "setup: installing the tool"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/docgenctl.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "setup: installing what checks and tests need"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@
