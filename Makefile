# Every target sets up what it needs; `make help` lists them.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/bash

VENV := .venv
# The distribution's own where it will do: it is built with profile-guided optimisation, and the tests are mostly Python.
BASE := $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
PYTEST := $(VENV)/bin/pytest
RUNNER := build/runner.pyz
RUNNER_PARTS := operator/alembic_operator/api/reasons.py $(shell find operator/alembic_operator/contract operator/alembic_operator/runner -name "*.py")
# Make hands variables on to the programs, also over those of the environment: no name here that a program reads.
CLUSTER := python3 -m devcluster
# Byte code is kept: each worker of pytest would compile all tests anew, which takes it 4 s.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Show the main job on a local cluster: four releases and their migrations
	@python3 -m demo

.PHONY: demo-clean
demo-clean: ## Remove everything that the demo made
	@python3 -m demo clean

.PHONY: test
test: verify matrix api-binaries test-programs cluster-up $(RUNNER) ## Set up what is missing and run everything
	$(PYTEST) -n 5 --dist loadgroup  # three workers for the one node, which mostly wait, and two for the rest

.PHONY: unit
unit: $(INSTALLED) ## Run the unit tests: seconds, no sockets
	$(PYTEST) tests/unit

.PHONY: properties
properties: $(INSTALLED) ## Throw 10,000 foreign objects at each reader; other ones each time, some minutes
	$(PYTEST) -n 2 tests/unit/properties --hypothesis-profile=campaign --timeout=0

.PHONY: test-runner
test-runner: $(RUNNER) matrix test-programs ## Run the runner's tests against real PostgreSQL
	$(PYTEST) -n 2 --dist loadgroup tests/runner

.PHONY: drivers
drivers: $(RUNNER) matrix test-programs ## Try with every driver what `make test` tries with one in turn
	EVERY_DRIVER=yes $(PYTEST) -n 2 --dist loadgroup tests/runner -k "psycopg or asyncpg"

.PHONY: projects
projects: $(INSTALLED) test-programs ## Migrate public projects from their wheels, with their own command and with the runner
	$(PYTEST) -n 2 tests/projects  # each installs its project first

.PHONY: test-api
test-api: $(INSTALLED) api-binaries ## Run the tests against a real API server; KUBERNETES=1.35.4 chooses another version
	$(PYTEST) -n 2 tests/api

.PHONY: e2e
e2e: $(RUNNER) cluster-up ## Run the tests on a whole cluster
	$(PYTEST) tests/e2e

.PHONY: bench
bench: $(INSTALLED) api-binaries ## Measure the operator; docs/explanation/benchmarks.md has the method
	$(PYTHON) -m tests.bench
	$(PYTHON) -m tests.bench.admission
	$(PYTHON) -m tests.bench.scrape

.PHONY: bench-hostile
bench-hostile: $(INSTALLED) api-binaries ## Measure what a hostile namespace costs all others, among 10,000 migrations
	$(PYTHON) -m tests.bench.hostile

.PHONY: bench-import
bench-import: $(INSTALLED) ## Import a million rows from SQLite beside pgloader, which Debian has
	$(PYTHON) -m tests.bench.importing

.PHONY: bench-passes
bench-passes: $(INSTALLED) ## Measure how long an import in two passes needs the application to stand still
	$(PYTHON) -m tests.bench.passes

.PHONY: import-kills
import-kills: $(INSTALLED) ## Kill imports from SQLite 20 times at random moments, in each way of transactions; one of 1.15 GB 6 times
	$(PYTHON) -m tests.bench.import_kills
	$(PYTHON) -m tests.bench.import_large
	$(PYTHON) -m tests.bench.pass_kills

.PHONY: tenants
tenants: $(INSTALLED) ## Kill a fleet of tenants 20 times, and measure it beside a loop over alembic; some minutes
	$(PYTHON) -m tests.bench.tenant_kills
	$(PYTHON) -m tests.bench.tenants
	$(PYTHON) -m tests.bench.tenant_gates

.PHONY: verify
verify: $(INSTALLED) ## Check generated files, links and the site, lint, format, types and import contracts
	$(PYTHON) tools/generate.py --check
	$(PYTHON) -m tools.links
	$(PYTHON) -m tools.site
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo

.PHONY: generate
generate: $(INSTALLED) ## Write the CRD and the reference pages anew
	$(PYTHON) tools/generate.py

.PHONY: site
site: $(INSTALLED) ## Build the documentation as a site: build/site/index.html
	$(PYTHON) -m tools.site

.PHONY: demo-picture
demo-picture: $(INSTALLED) ## Record the demo on the local cluster, and draw docs/pictures/demo.svg
	$(PYTHON) -m demo.picture docs/pictures/demo.svg

.PHONY: plugin-pictures
plugin-pictures: $(INSTALLED) ## Let a release fail on the local cluster, and draw what kubectl alembic says of it
	$(PYTHON) -m tests.e2e.plugin_pictures docs/pictures

.PHONY: dashboard-picture
dashboard-picture: $(INSTALLED) test-programs ## Play on the local cluster, and draw docs/pictures/dashboard.svg as it is then
	$(PYTHON) -m tests.e2e.dashboard_picture docs/pictures/dashboard.svg

.PHONY: format
format: $(INSTALLED) ## Format the code
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

.PHONY: runner
runner: $(RUNNER) ## Build build/runner.pyz

$(RUNNER): $(INSTALLED) tools/build_runner.py tools/bare.py tools/byte_code.py tools/pythons.py tools/vendor.py $(RUNNER_PARTS)
	$(PYTHON) tools/build_runner.py

.PHONY: matrix
matrix: $(INSTALLED) ## Make the environments of the runner's tests: old and new libraries, and two real projects
	@$(PYTHON) -m tests.runner.environments

.PHONY: cluster-up
cluster-up: ## Start the local cluster, or reuse the one that runs
	@$(CLUSTER) up

.PHONY: cluster-down
cluster-down: ## Stop the local cluster and remove what it left
	@$(CLUSTER) down

.PHONY: cluster-status
cluster-status: ## Say what of the local cluster runs, and where its logs are
	@$(CLUSTER) status

.PHONY: kubernetes-module
kubernetes-module: ## Pin one more version for test-api: KUBERNETES=X.Y.Z
	@$(CLUSTER) kubernetes-module

.PHONY: test-programs
test-programs: # PgBouncer, for the tests of the runner, and promtool, for the alerts
	@$(CLUSTER) test-programs

.PHONY: api-binaries
api-binaries: # etcd, the API server and its controllers, for the tests of the API
	@$(CLUSTER) build --only etcd kube-apiserver kube-controller-manager kubectl helm

$(INSTALLED): pyproject.toml constraints.txt
	$(BASE) -m venv --clear $(VENV)  # what another Python has left there would be mixed in
	$(PYTHON) -m pip install --quiet --constraint constraints.txt --editable '.[dev,migrate,runner]'
	@touch $@
