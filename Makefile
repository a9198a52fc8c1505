# Every target works on a fresh clone with Python 3.11 and make: .venv is made from the hashed locks.
SHELL := /bin/bash
PYTHON ?= python3.11
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
UV_LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

# Compiled once and kept: many tests start a process of ours, and each would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test soak bench check format lint types contracts samples audit fix lock migration clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/runtime: requirements/runtime.lock requirements/build.lock pyproject.toml
	@echo "Installing docflo-connector into .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --only-binary :all: -r requirements/runtime.lock
	@$(PIP) --require-hashes --only-binary :all: -r requirements/build.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/runtime requirements/dev.lock
	@echo "Installing the development tools into .venv (once) ..."
	@$(PIP) --require-hashes --only-binary :all: -r requirements/dev.lock
	@touch $@

demo: .venv/runtime ## sync 200 sandbox documents into a sandbox Salesforce; no account needed
	@$(BIN)/docflo-connector demo

test: .venv/dev ## run all tests
	@$(BIN)/pytest

documents ?= 10000
soak: .venv/dev ## two replicas under faults and kills, a crash at every two places, a simulated day; takes hours
	@$(BIN)/python -m tests.soak.replicas --documents $(documents)
	@$(BIN)/python -m tests.soak.backfill --documents 2000 --kill-every 5
	@$(BIN)/python -m benchmarks.memory
	@$(BIN)/pytest -n 0 -s tests/soak/soak_beside.py
	@$(BIN)/pytest --hypothesis-profile exploring tests/stateful tests/ledger/test_ledger_machine.py tests/unit
	@$(BIN)/pytest tests/soak/soak_pairs.py tests/soak/soak_logins.py
	@$(BIN)/pytest -n 0 -s tests/soak/soak_day.py
	@$(BIN)/pytest -n 0 tests/soak/soak_webhooks.py
	@$(BIN)/pytest -n 0 -s tests/soak/soak_console.py

bench: documents = 1000 5000
bench: .venv/dev ## documents a second, beside a bare script: writes docs/performance.md; documents="5000 50000" is longer
	@$(BIN)/python -m benchmarks.performance --documents $(documents)

check: .venv/dev format lint types contracts samples test ## everything CI runs

format: .venv/dev ## is the code formatted?
	@$(BIN)/ruff format --check

lint: .venv/dev ## ruff
	@$(BIN)/ruff check

types: .venv/dev ## mypy, strict
	@$(BIN)/mypy

contracts: .venv/dev ## the import order of the modules
	@$(BIN)/lint-imports

samples: .venv/dev ## generated files under docs/ are current
	@$(BIN)/python -m connector schema config | diff - docs/schemas/config.schema.json
	@$(BIN)/python -m connector schema mapping | diff - docs/schemas/mapping.schema.json
	@$(BIN)/python -m connector schema profile | diff - docs/schemas/profile.schema.json
	@$(BIN)/python -m connector schema reference | diff - docs/mapping-reference.md

fix: .venv/dev ## format, repair what ruff can repair, renew generated files and golden files
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix
	@mkdir -p docs/schemas
	@cp mappings/invoice-salesforce.yaml deploy/kubernetes/base/mappings/
	@$(BIN)/python -m connector schema config > docs/schemas/config.schema.json
	@$(BIN)/python -m connector schema mapping > docs/schemas/mapping.schema.json
	@$(BIN)/python -m connector schema profile > docs/schemas/profile.schema.json
	@$(BIN)/python -m connector schema reference > docs/mapping-reference.md

LICENCES := Apache-2.0;Apache Software License;Apache-2.0 AND BSD-2-Clause;Apache-2.0 OR BSD-3-Clause;BSD License;BSD-2-Clause;BSD-3-Clause;ISC License (ISCL);LGPL-3.0-only;MIT;MIT License;MIT OR Apache-2.0;MIT-0;Mozilla Public License 2.0 (MPL 2.0);PSF-2.0;ZPL-2.1
audit: .venv/dev ## licences, bill of materials (dist/sbom.json), known vulnerabilities; the last needs the network
	@mkdir -p dist
	@$(BIN)/pip-licenses --from=mixed --format=markdown --allow-only="$(LICENCES)" --packages $$(grep -oE '^[A-Za-z0-9_.-]+==' requirements/runtime.lock | tr -d =)
	@$(BIN)/cyclonedx-py requirements requirements/runtime.lock --output-reproducible --output-file dist/sbom.json
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/runtime.lock

lock: .venv/dev ## renew the hashed locks from pyproject.toml
	@$(UV_LOCK) pyproject.toml -o requirements/runtime.lock
	@$(UV_LOCK) --group build -o requirements/build.lock
	@$(UV_LOCK) --group dev -c requirements/runtime.lock -o requirements/dev.lock

migration: .venv/dev ## a new migration: make migration name=add_lease
	@$(BIN)/alembic --config migrations/alembic.ini revision --message "$(name)"

clean: ## remove .venv and caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
