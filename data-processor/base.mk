# Stamped from container-template: change it there. What only this folder has goes into its Makefile.
UV ?= uv
RUN := $(UV) run --frozen
# A table of the ten slowest tests, so that nobody has to measure to see one grow.
SLOWEST := --durations=10 --durations-min=0.5
# Everything here starts Python again and again: compiled code is kept, whatever this machine's default is.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help sync test test-services lint format

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

sync: ## Install exactly what the lock file names
	$(UV) sync --frozen

test: ## Run the tests that need nothing but this folder
	$(RUN) pytest -m "not services" $(SLOWEST) $(PYTEST)

# Real servers take their time on a busy machine. pytest exits with 5 when a folder has no such test, which is fine.
test-services: ## Run the tests that start real servers
	$(RUN) pytest -m services --timeout 900 $(SLOWEST) $(PYTEST) || test $$? -eq 5

lint: ## Check style, the direction of imports, and types
	$(RUN) ruff check .
	$(RUN) ruff format --check .
ifneq ($(shell grep -s '^\[tool\.importlinter\]' pyproject.toml),)
	$(RUN) lint-imports --no-cache --no-logo
endif
	$(RUN) mypy

format: ## Fix style where it can be fixed
	$(RUN) ruff check --fix --quiet .
	$(RUN) ruff format .
