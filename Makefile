# Everything a person types. `make` alone prints this list.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
TOOL   := $(BIN)/support-lakehouse
BENCH  := .bench
BENCH_VENV  := .venv-bench
BENCH_READY := $(BENCH_VENV)/.ready
COMPARE = SUPPORT_LAKEHOUSE_JARS=$(VENV)/share/support-lakehouse $(BIN)/python tests/bench/compare.py
SIZE   ?= 10000000

# What a variable set on the command line adds to the commands: make run MONTHS=202502,202503
AT      = $(if $(LAKEHOUSE),--lakehouse '$(LAKEHOUSE)')
FROM    = $(if $(DATA),--data '$(DATA)')
FORMAT_ = $(if $(FORMAT),--format '$(FORMAT)')
AS_OF_  = $(if $(AS_OF),--as-of '$(AS_OF)')
RELEASE_ = $(if $(RELEASE),--release '$(RELEASE)')
WHICH   = $(if $(MONTHS),--months '$(MONTHS)') $(if $(DAYS),--days '$(DAYS)') $(if $(FEEDS),--feeds '$(FEEDS)')
# DRY_RUN=yes is as good as DRY_RUN=1
IS_SAID = $(filter-out 0 no false,$(1))
RUN     = $(AT) $(FROM) $(FORMAT_) $(WHICH) $(if $(ACCEPT),--accept '$(ACCEPT)') $(if $(call IS_SAID,$(RESET)),--reset)

.DEFAULT_GOAL := help
.PHONY: help setup run plan report export answers history files quarantine verify maintain doctor
.PHONY: test soak mutants check bench bench-full bench-docs clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12
	@echo "Variables: MONTHS=202502,202503 DAYS=2026-01-02 FEEDS=calls,call_agents FORMAT=csv|json|parquet"
	@echo "           CONTENT=1 ROWS=1 KEEP=24-months DRY_RUN=1"
	@echo "           ACCEPT=corrections,short-snapshots,rejects,held DATA=dir LAKEHOUSE=dir RESET=1"

setup: $(READY) ## Environment, Delta jars, class-data archive; done once by all others

run: $(READY) ## Load what is new, release and publish (MONTHS, DAYS, FEEDS, ACCEPT, FORMAT, DATA, LAKEHOUSE, RESET=1)
	@$(TOOL) run $(RUN)

plan: $(READY) ## Say what `make run` would do, with the same variables
	@$(TOOL) plan $(RUN)

report: $(READY) ## Print support_report (AS_OF=202502, RELEASE=1, FORMAT)
	@$(TOOL) report $(AT) $(FORMAT_) $(AS_OF_) $(RELEASE_)

export: $(READY) ## Write the finals into OUTPUT, or export/
	@$(TOOL) export $(AT) $(FORMAT_) $(AS_OF_) $(RELEASE_) --output '$(or $(OUTPUT),export)'

answers: $(READY) ## Answer the three questions
	@$(TOOL) answers $(AT)

history: $(READY) ## List the releases
	@$(TOOL) history $(AT)

files: $(READY) ## List the ledger with every file's balance sheet
	@$(TOOL) files $(AT)

quarantine: $(READY) ## List rejected rows with their reasons (FEEDS=calls for those of one feed)
	@$(TOOL) quarantine list $(AT) $(if $(FEEDS),--feed '$(FEEDS)')

verify: $(READY) ## Check that all is as it was released (RELEASE, CONTENT=1, ROWS=1)
	@$(TOOL) verify $(AT) $(RELEASE_) $(if $(call IS_SAID,$(CONTENT)),--content) $(if $(call IS_SAID,$(ROWS)),--rows)

maintain: $(READY) ## Join small files, remove what no kept release needs (KEEP=24-months, DRY_RUN=1)
	@$(TOOL) maintain $(AT) $(if $(KEEP),--keep '$(KEEP)') $(if $(call IS_SAID,$(DRY_RUN)),--dry-run)

doctor: $(READY) ## Check Java, jars and conf/, and start a session
	@$(TOOL) doctor

test: $(READY) ## Run the tests, two at a time (WORKERS=2), some minutes
	@$(BIN)/python -m pytest -n $(or $(WORKERS),2) --dist loadfile

soak: $(READY) ## The tests that take minutes, then random ones for MINUTES=10, failures and their seeds in .soak/
	@$(BIN)/python -m pytest -m soak
	@$(BIN)/python -m tests.soak --minutes '$(or $(MINUTES),10)'

mutants: $(READY) ## Put deliberate faults into a copy of the program; the tests must catch each
	@$(BIN)/python -m tests.mutants

check: $(READY) ## Format, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_layers.py

bench: $(READY) $(BENCH_READY) $(if $(DATA),,$(BENCH)/1000000.made) ## Compare with other ways: the real files and 1 million rows, or DATA (minutes; RUNS=3)
	@for data in $(if $(DATA),'$(DATA)',data $(BENCH)/1000000); do \
	  $(COMPARE) --runs $(or $(RUNS),1) --data "$$data" --json "$(BENCH)/$$(basename "$$data").json" || exit 1; \
	done

bench-full: $(READY) $(BENCH_READY) $(BENCH)/$(SIZE).made ## The same on 10 million rows, without finals (SIZE=16000000 for more; RUNS=3)
	@$(COMPARE) --runs $(or $(RUNS),1) --no-finals --data $(BENCH)/$(SIZE) --json $(BENCH)/$(SIZE).json

bench-docs: $(READY) ## Write what was measured into docs/performance.md
	@$(BIN)/python tests/bench/tables.py --into docs/performance.md $(BENCH)/*.json

clean: ## Remove the lakehouse, the environment and all that was generated
	rm -rf $(VENV) $(BENCH_VENV) $(BENCH) lakehouse export spark-warehouse .pytest_cache .mypy_cache .ruff_cache .hypothesis .soak

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("Python %d.%d found, 3.11 or later needed: install it, or name one with make PYTHON=python3.12" % v[:2])'
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src # which pip leaves to the first command where it may write
	@$(TOOL) setup
	@touch $@

# Of its own, so that nobody needs Polars and DuckDB to use the product.
$(BENCH_READY): requirements-bench.txt
	@echo "Setting up $(BENCH_VENV) for the benchmark (once) ..."
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

$(BENCH)/%.made: tests/bench/generate.py | $(READY)
	@echo "Making $* interactions in $(BENCH)/$* (once) ..."
	@$(BIN)/python tests/bench/generate.py --rows $* --out $(BENCH)/$*
	@touch $@
