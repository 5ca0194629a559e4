# Everything a user does. Each target makes its own environment from the lock file first; running it twice is safe.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .tools/bin/uv
ENVIRONMENT := .venv/.installed
RUN := .venv/bin/python

# Compiled at installation: without byte code every process would start two seconds later.
export UV_COMPILE_BYTECODE := 1
# Certificates of the machine, so that a company's own authority is trusted.
export UV_SYSTEM_CERTS := 1
unexport PYTHONDONTWRITEBYTECODE
unexport VIRTUAL_ENV

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(ENVIRONMENT) ## Deploy both Regions on this machine, replay real orders, prove the result, take it down.
	@$(RUN) -m local demo

.PHONY: local
local: $(ENVIRONMENT) ## Deploy both Regions on this machine and keep them running until Ctrl-C.
	@$(RUN) -m local up

.PHONY: up-local
up-local: $(ENVIRONMENT) ## As make local, but deployed by the real Pulumi engine (needs pulumi on PATH).
	@$(RUN) -m local up --engine

.PHONY: test
test: $(ENVIRONMENT) ## Run all tests but the long ones and those that build images or need the Pulumi engine.
	@$(RUN) -m pytest -m "not images and not engine and not soak" -n logical --maxprocesses 4 --dist loadfile

.PHONY: soak
soak: $(ENVIRONMENT) ## Run the long tests: what make test samples, in full.
	@$(RUN) -m pytest -m soak --timeout 3600

.PHONY: mutants
mutants: $(ENVIRONMENT) ## Take each safeguard of checkout away, one at a time, and write which fast test notices to docs/mutants.md.
	@$(RUN) -m tests.mutation --write docs/mutants.md

.PHONY: simulate
simulate: $(ENVIRONMENT) ## Run a million checkouts in two simulated Regions over ten thousand seeds, and print the figures.
	@$(RUN) -m tests.simulation

.PHONY: test-engine
test-engine: $(ENVIRONMENT) ## Deploy, change, break and destroy by the real Pulumi engine (needs pulumi on PATH).
	@$(RUN) -m pytest -m engine tests/engine

.PHONY: check
check: $(ENVIRONMENT) ## Check what the program declares: inputs, IAM, state machines, API, event patterns, pipelines (part of test).
	@$(RUN) -m pytest tests/validators tests/pipelines tests/infrastructure/test_controls.py

.PHONY: test-images
test-images: $(ENVIRONMENT) ## Build every image and start it (needs buildah or Docker).
	@$(RUN) -m pytest -m images tests/images

.PHONY: lint
lint: $(ENVIRONMENT) ## Check style, formatting, types and the direction of dependencies.
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/basedpyright
	@.venv/bin/lint-imports

.PHONY: lint-workflows
lint-workflows: $(ENVIRONMENT) .tools/bin/actionlint ## Check the workflows of GitHub Actions by actionlint (needs Go).
	@MERIDIAN_ACTIONLINT_REQUIRED=1 $(RUN) -m pytest tests/pipelines/test_workflows.py

.PHONY: format
format: $(ENVIRONMENT) ## Format the code and mend what can be mended.
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

.PHONY: generated
generated: $(ENVIRONMENT) ## Write again what is generated: JSON Schemas, the pages of policies, controls, replacements and planted defects, the images' requirements.
	@$(RUN) -m workloads.contracts.generate_schemas
	@$(RUN) -m policies.catalogue
	@$(RUN) -m policies.controls
	@$(RUN) -m tests.infrastructure.test_replacements
	@$(RUN) -m tests.catalogue
	@$(UV) export --quiet --frozen --only-group workloads --no-emit-project --output-file workloads/requirements.lock

.PHONY: bench
bench: $(ENVIRONMENT) ## Measure start-up, first order and memory of the laptop mode.
	@$(RUN) -m bench.start_up

.PHONY: bench-evaluation
bench-evaluation: $(ENVIRONMENT) ## Measure what the program costs over a bare one, from 1 to 20 Regions.
	@$(RUN) -m bench.evaluation

.PHONY: bench-cold-start
bench-cold-start: $(ENVIRONMENT) ## Measure how fast checkout's functions start cold, beside one made of the usual libraries.
	@$(RUN) -m bench.cold_start

.PHONY: bench-capacity
bench-capacity: $(ENVIRONMENT) ## Simulate 50,000 checkouts a second on one item under AWS's limits, and write docs/capacity.md.
	@$(RUN) -m bench.capacity --write docs/capacity.md

.PHONY: bench-cost
bench-cost: $(ENVIRONMENT) ## Count what a checkout takes in a real run, and price a million beside the public sample's.
	@$(RUN) -m bench.cost

.PHONY: bench-throughput
bench-throughput: $(ENVIRONMENT) ## Measure orders a second through both Regions by k6, beside the embedded AWS's own ceiling.
	@$(RUN) -m bench.throughput

.PHONY: clean
clean: ## Remove the environment and all caches.
	@rm -rf .venv .tools .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(UV):
	@test "$$(uname -s)" = Linux || { echo "Meridian needs Linux to be run and tested, this is $$(uname -s): use a Linux virtual machine, a container or WSL 2 (AWS builds the Lambda runtime client for Linux only)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Meridian needs Python 3.11 or newer; $(PYTHON) is older: install one and run make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .tools || { echo "$(PYTHON) can not make virtual environments: install Debian's package python3-venv" >&2; exit 1; }
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.tools/bin/actionlint: | $(UV)
	@command -v go > /dev/null || { echo "actionlint is a Go module: install Go 1.24 or newer" >&2; exit 1; }
	@GOBIN=$(CURDIR)/.tools/bin go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(ENVIRONMENT): $(UV) pyproject.toml uv.lock
	@echo "installing the locked environment"
	@$(UV) sync --quiet --frozen --group dev --python $(PYTHON)
	@touch $@
