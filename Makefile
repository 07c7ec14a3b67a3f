# Run from the root of the checkout. `make` alone lists what there is.
PYTHON ?= $(or $(shell command -v python3.11),$(shell command -v python3),python3.11)
VENV := .venv/bin
UV_COMPILE := $(VENV)/uv pip compile --python-version 3.11 --generate-hashes --no-header --quiet

.DEFAULT_GOAL := help
.PHONY: help run up down status test test-long check bench bench-models lock audit-deps venv python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: python ## the whole product here, until Ctrl-C   [CUSTOMERS=200000 PORT=8000]
	@exec $(PYTHON) -m deploy run

up: python ## only the embedded PostgreSQL and Valkey, left running
	@exec $(PYTHON) -m deploy up

down: python ## stop the embedded servers
	@exec $(PYTHON) -m deploy down

status: python ## whether the embedded servers run, and where
	@$(PYTHON) -m deploy status || true

test: python ## every test but the long ones; installs what they need
	@exec $(PYTHON) -m deploy test $(ARGS)

test-long: python ## the fault and scale tests; installs Java and Spark
	@exec $(PYTHON) -m deploy test-long $(ARGS)

check: venv ## lint, format, types, layers, templates, migrations
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/lint-imports
	$(VENV)/mypy
	$(VENV)/djlint --check --lint --quiet --allow-empty-input $(wildcard */templates)
	$(VENV)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

bench: venv ## the benchmark table   [ONLY=assign CUSTOMERS=2000000]
	@exec $(VENV)/python -m bench

bench-models: venv ## what the models reach on public data and planted truth   [ONLY=propensity]
	@exec $(VENV)/python -m bench.figures

lock: venv ## write the lock files anew from requirements*.in
	$(UV_COMPILE) requirements.in -o requirements.txt
	$(UV_COMPILE) requirements-dev.in -o requirements-dev.txt
	$(UV_COMPILE) requirements-spark.in -o requirements-spark.txt

audit-deps: venv ## known vulnerabilities of the locked packages (asks the network)
	$(VENV)/pip-audit --require-hashes --disable-pip -r requirements-dev.txt

venv: python ## .venv with what tests and checks need
	@$(PYTHON) -m deploy venv

python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python 3.11 or newer must be installed: apt-get install python3.11 python3.11-venv" >&2; \
	  exit 1; }
