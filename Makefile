# Every target sets up what it needs by itself; `make` alone lists them.
SYSTEM ?= lectio
STAGE ?= A
PROFILE ?= smoke
STACK ?= native
RUN ?=
REAL ?=
ONLY ?=
RUNS ?=
SECONDS ?=
UV ?= uv
SHELL := bash

.DEFAULT_GOAL := help
.PHONY: help setup verify report stack-down test check lint format unit accuracy bench starve stages lock clean clean-runs

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | \
	while IFS=$$'\t' read -r name what; do printf '  make %-11s %s\n' "$$name" "$$what"; done

setup: ## install what `proofload verify` needs: Debian packages, .venv, .venv-app
	@scripts/setup run

verify: ## set up, proof-load SYSTEM=lectio STAGE=A PROFILE=smoke STACK=native, print the verdict and where the report is
	@scripts/setup run
	@.venv/bin/proofload verify "$(SYSTEM)" --stage "$(STAGE)" --profile "$(PROFILE)" --stack "$(STACK)"

report: ## remake the report of RUN=runs/… (without RUN: of the newest run)
	@scripts/setup run
	@run="$(RUN)"; run="$${run:-$$(ls -td runs/*/ 2>/dev/null | head -n 1)}"; \
	[[ -n $$run ]] || { echo 'error: there is no run yet; make verify makes one' >&2; exit 20; }; \
	.venv/bin/proofload report "$$run"

stack-down: ## stop and remove what a killed run left behind
	@scripts/setup run
	@.venv/bin/proofload stack down

test: ## set up, then all checks and all tests (half an hour)
	@scripts/setup test
	@scripts/check
	@scripts/test

starve: ## starve one thing at a time on real servers and see it named as the bottleneck (15 minutes)
	@scripts/setup test
	@PROOFLOAD_STARVE=1 scripts/test tests/e2e/test_bottleneck.py

stages: ## start every stage of the five systems, as local processes and as containers (half an hour)
	@scripts/setup test
	@PROOFLOAD_STAGES=1 scripts/test tests/stack_contract/test_every_stage.py

check: ## ruff, mypy and import-linter
	@scripts/setup test
	@scripts/check

lint: ## ruff alone
	@scripts/setup test
	@.venv/bin/ruff check

format: ## let ruff mend the layout of the code
	@scripts/setup test
	@.venv/bin/ruff check --fix-only --quiet
	@.venv/bin/ruff format

unit: ## the tests that start no server (seconds)
	@scripts/setup test
	@scripts/test tests/unit tests/properties tests/golden

accuracy: ## remake docs/accuracy.md, found against true (REAL=1: what takes real time; ONLY="study study")
	@scripts/setup test
	@.venv/bin/python -m tests.accuracy $(if $(REAL),--real) $(if $(ONLY),--only $(ONLY))

bench: ## the generator against its peers, docs/performance.md (ONLY="get open" RUNS=5 SECONDS=5; half an hour)
	@scripts/setup test
	@.venv/bin/python -m tests.benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) \
		$(if $(SECONDS),--seconds $(SECONDS))

lock: ## pin all dependencies anew (UV=/path/to/uv; versions move only with LOCK=--upgrade)
	@UV="$(UV)" scripts/lock $(LOCK)

clean: ## remove the environments and caches; the runs stay
	@scripts/clean

clean-runs: ## remove all runs, which are evidence
	@rm -rf runs
