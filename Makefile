# The front door. `make help` lists what there is; each target does its own set-up.

DEMO ?= var/demo
TESTS ?= tests
PYTHON_RUN = .venv/bin/python -P

# Compiled modules are kept: the tests start the command some hundred times.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run setup test check bench docs golden english screenshots lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

# A home that was served once is complete; an init that was interrupted is finished by running it again.
run: ## a demo authority under var/demo, served; Ctrl-C stops it
	@tools/bootstrap
	@[ -e $(DEMO)/run/serve.running ] || .venv/bin/sceau init --home $(DEMO) --template dev
	@exec .venv/bin/sceau serve --home $(DEMO)

setup: ## the development environment: .venv, and the system's packages that the tests use
	@tools/bootstrap --dev

# A file's tests share what they stand on, and go to one worker, in order: the small ones come last. Three workers on two cores: a
# third of the time of these tests is waiting for others.
test: check ## everything: lint, types, laws, and the whole suite (TESTS=tests/unit for a part of it)
	@$(PYTHON_RUN) -m pytest -n 3 --dist loadfile --no-loadscope-reorder -q $(TESTS)

check: setup ## lint, types and import laws, without the suite
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

bench: setup ## the benchmarks: ours beside the peers, in one table
	@$(PYTHON_RUN) -m bench

docs: setup ## write docs/commands.md from the commands' own help, and docs/openapi.json from the API's own routes
	@$(PYTHON_RUN) tools/commands.py
	@$(PYTHON_RUN) tools/openapi.py

golden: setup ## write the golden files anew, to be read as a diff before they are committed
	@$(PYTHON_RUN) -m tests.golden

english: setup ## find every sentence of the pages; say which lack their English (web/*/english.po)
	@$(PYTHON_RUN) -m tests.sentences

screenshots: setup ## photograph every page, phone and desk, both themes and both languages, into var/screenshots
	@$(PYTHON_RUN) tools/screenshots.py

lock: ## pin the libraries again, with hashes (UPGRADE=--upgrade for newer versions)
	@tools/lock $(UPGRADE)

clean: ## remove the environment, the caches and the demo authority
	rm -rf .venv var/demo dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
