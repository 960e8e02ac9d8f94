# Everything you do with Loopkeeper. Needs Python 3.11 or newer, git and make; it fetches the rest into this folder.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= python3
STATE_DIR ?= var
UV := $(CURDIR)/.tools/bin/uv
export UV
export PATH := $(CURDIR)/.tools/bin:$(PATH)
# An active environment is not that of the folder a command runs in.
unexport VIRTUAL_ENV
# Everything here starts Python again and again: compiled code is kept, whatever this machine's default is.
unexport PYTHONDONTWRITEBYTECODE

# The slowest comes first, so that the others run beside it.
FOLDERS := data-processor compose-stack pipeline-api streamlit-ui container-template docs
JOBS ?= 2
# Folders are tested side by side; the output of each is shown as a whole once it has finished.
SIDE_BY_SIDE = --jobs=$(JOBS) --output-sync=recurse --keep-going

.PHONY: help run reset-password demo bench test test-services lint format contracts contracts-check template-drift \
        lint-delivery lint-ci dashboards deploy deploy-remote split census-income sign-versions docs hooks clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

# --- the platform -------------------------------------------------------------------------------------------------

run: $(UV) ## Start everything on this machine; prints where, and the password
	@$(MAKE) -C compose-stack run

reset-password: $(UV) ## Give somebody who cannot sign in a new password: NAME=admin; works while the platform runs
	@STATE_DIR='$(abspath $(STATE_DIR))/gateway' ADMIN_PASSWORD_FILE='$(abspath $(STATE_DIR))/admin-password' \
	$(UV) run --frozen --project pipeline-api pipeline-api reset-password '$(or $(NAME),admin)'

demo: $(UV) ## Play the whole loop: traffic, feedback, drift, falling score, retrain, gate, promotion
	@$(MAKE) -C compose-stack demo

census-income: $(UV) ## Train the sample model on the real UCI Adult: CSV=path, else from OpenML; needs make run
	@secrets='$(abspath $(STATE_DIR))/secrets'; \
	if [ ! -r "$$secrets/service-token" ]; then echo "Start the platform first, in another terminal: make run" >&2; exit 1; fi; \
	export SERVICE_TOKEN="$$(<"$$secrets/service-token")" CALLER_KEY="$$(<"$$secrets/caller-key")"; \
	export SIGNING_KEY="$$(<"$$secrets/signing-key")"; \
	export STATE_DIR='$(abspath $(STATE_DIR))/processor' MLFLOW_URL="http://127.0.0.1:$${MLFLOW_PORT:-5000}"; \
	$(UV) run --frozen --project data-processor data-processor train-sample $(if $(CSV),--csv '$(CSV)')

sign-versions: $(UV) ## Sign versions again after STATE_DIR/secrets/signing-key was lost or replaced; it asks first
	@secrets='$(abspath $(STATE_DIR))/secrets'; \
	if [ ! -r "$$secrets/signing-key" ]; then echo "There is no $$secrets/signing-key: make run makes one." >&2; exit 1; fi; \
	export SERVICE_TOKEN="$$(<"$$secrets/service-token")" CALLER_KEY="$$(<"$$secrets/caller-key")"; \
	export SIGNING_KEY="$$(<"$$secrets/signing-key")" STATE_DIR='$(abspath $(STATE_DIR))/processor'; \
	$(UV) run --frozen --project data-processor data-processor sign-versions

bench: $(UV) ## Measure everything that has a target; writes docs/benchmarks.md
	@$(MAKE) -C compose-stack bench

# --- the platform as containers ------------------------------------------------------------------------------------

STACK_TARGETS := stack-tools images images-offline secrets stack-up stack-down stack-status \
  stack-dev stack-dev-down swarm-file backup restore test-stack
.PHONY: $(STACK_TARGETS)

stack-tools: ## Fetch what a stack needs beside the engine: the Docker plugins compose and buildx
images: ## Build every image of a stack
images-offline: ## The same without a registry: base images from Debian packages
secrets: ## Make the secrets of a stack that are missing
stack-up: ## Start STAGE=staging or STAGE=main in containers, behind HTTPS
stack-down: ## Stop STAGE=…, or the whole stack; data is kept
stack-status: ## Show what runs in containers, and its memory
stack-dev: ## Build the tree and start one stage of it, every port on this machine
stack-dev-down: ## Stop that; data is kept
swarm-file: ## Write the files of STAGE=… for `docker stack deploy`
backup: ## Copy all data of the stack to TO=folder
restore: ## Fill an empty stack from FROM=folder
test-stack: ## Start a stack of two stages, and test what it promises (needs a Docker engine)
$(STACK_TARGETS): $(UV)
	@$(MAKE) -C compose-stack $@

# --- delivery -----------------------------------------------------------------------------------------------------

deploy: $(UV) ## Zero-downtime deployment of other images (TAG=…) to STAGE, rolled back if it fails
	@$(MAKE) -C compose-stack deploy

deploy-remote: $(UV) ## The same on the server DEPLOY_HOST=user@host, over SSH
	@$(MAKE) -C compose-stack deploy-remote

split: $(UV) ## Push a folder with its history to its own repository: SERVICE=data-processor REMOTE=…
	@$(MAKE) -C compose-stack split

# --- the code -----------------------------------------------------------------------------------------------------

test: $(UV) ## Run the tests of every folder, JOBS=2 folders at a time
	@$(MAKE) $(SIDE_BY_SIDE) $(FOLDERS:%=test-in-%)

test-services: $(UV) ## Run the tests that start real servers, or take long
	@$(MAKE) $(SIDE_BY_SIDE) $(FOLDERS:%=test-services-in-%)

LINTS_OF_THE_TREE := template-drift contracts-check lint-delivery lint-ci

lint: $(UV) ## Check style, types, drift, contracts, delivery
	@$(MAKE) $(SIDE_BY_SIDE) $(FOLDERS:%=lint-in-%) $(LINTS_OF_THE_TREE:%=lint-of-%)

format: $(FOLDERS:%=format-in-%) ## Fix style where it can be fixed

test-in-%: $(UV)
	@.ci/timed '$*: test' $(MAKE) -C $* test

test-services-in-%: $(UV)
	@.ci/timed '$*: test-services' $(MAKE) -C $* test-services

lint-in-%: $(UV)
	@.ci/timed '$*: lint' $(MAKE) -C $* lint

lint-of-%: $(UV)
	@.ci/timed '$*: lint' $(MAKE) $*

format-in-%: $(UV)
	@$(MAKE) -C $* format

template-drift: $(UV) ## Show where a folder differs from the files that the template owns
	@$(UV) run --frozen --project container-template template-drift $(FOLDERS)

lint-delivery: $(UV) ## Check workflows, shell scripts and Dockerfiles
	@$(MAKE) -C compose-stack lint-delivery

lint-ci: $(UV) ## Check the style of the programs in .ci
	@$(UV) run --frozen --project container-template ruff check \
	  --config container-template/pyproject.toml --ignore INP001 .ci

contracts: $(UV) ## Export both OpenAPI documents, vendor each where it is called, renew the pages' types
	@$(MAKE) -C data-processor contract
	@mkdir -p pipeline-api/contracts
	@cp data-processor/openapi.json pipeline-api/contracts/data-processor.json
	@$(MAKE) -C pipeline-api contract
	@mkdir -p streamlit-ui/contracts
	@cp pipeline-api/openapi.json streamlit-ui/contracts/pipeline-api.json
	@$(MAKE) -C streamlit-ui types contract

contracts-check: $(UV) ## Fail when code, exported documents, vendored copies and types made from them differ
	@cmp data-processor/openapi.json pipeline-api/contracts/data-processor.json
	@cmp pipeline-api/openapi.json streamlit-ui/contracts/pipeline-api.json
	@$(MAKE) -C streamlit-ui types-check
	@for service in data-processor pipeline-api; do \
	  $(UV) run --frozen --project $$service $$service contract | diff -u $$service/openapi.json - \
	    || { echo "$$service/openapi.json is not what its code says: run make contracts." >&2; exit 1; }; \
	done

dashboards: $(UV) ## Write the dashboards of Grafana from their code
	@$(MAKE) -C compose-stack dashboards

docs: $(UV) ## Build the documentation into docs/_build/html; a warning is an error
	@$(MAKE) -C docs docs

hooks: $(UV) ## Check every commit before it is made (installs the pre-commit hook)
	@$(UV) tool run pre-commit install

clean: ## Remove caches and, after asking, all data of the platform in STATE_DIR
	@rm -rf $(foreach folder,. $(FOLDERS),$(folder)/.pytest_cache $(folder)/.mypy_cache $(folder)/.ruff_cache \
	  $(folder)/.hypothesis $(folder)/dist) docs/_build
	@if [ -e '$(STATE_DIR)' ]; then \
	  read -r -p "Delete $(STATE_DIR) with all users, datasets, models, predictions and feedback in it, and the secrets of the stack? Type yes: " answer \
	    || answer=no; \
	  if [ "$$answer" = yes ]; then rm -rf '$(STATE_DIR)'; echo "Deleted."; else echo "$(STATE_DIR) was kept."; fi; \
	fi

$(UV):
	@$(PYTHON) .ci/get_uv.py
