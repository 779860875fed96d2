# Everything a developer, an operator and CI do. Works on a bare Debian 12 host with python3, git and make.
PYTHON ?= python3
VENV := .venv/bin
HOST := $(VENV)/python -m slipway.host
# Installing and running the platform take root: directly, or by sudo where the user is another.
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo -E)
RECENT := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Slipway needs Python 3.11 or newer: make PYTHON=python3.11")'
INSTALL = $(RECENT) && $(SUDO) $(PYTHON) -m slipway.host install

.DEFAULT_GOAL := help
.PHONY: help install base-images install-test install-for-demo install-bench install-browser install-keycloak install-go install-acme test-console test-keycloak test-acme test-gitea up down remove backup backup-show restore status doctor demo demo-stop test coverage check test-unit e2e bench soak foreign screenshots vendor lock env units clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install what this host lacks (says first what)
	@$(INSTALL)

install-test:
	@$(INSTALL) test

install-for-demo:
	@$(RECENT) && $(SUDO) $(PYTHON) -m slipway.host install-for-demo $(if $(WITH_TLS),go)

install-bench:
	@$(INSTALL) test bench

install-browser:
	@$(INSTALL) test browser
	@$(SUDO) $(VENV)/python -m pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements-browser.lock

install-keycloak:
	@$(INSTALL) test keycloak

install-go:
	@$(INSTALL) go

install-acme:
	@$(INSTALL) test acme go

base-images: install ## make base images of languages where no image registry answers; LANGUAGES="node go" makes those
	@$(SUDO) $(HOST) base-images $(LANGUAGES)

up: install ## start the platform, or take over changed settings
	@$(SUDO) $(HOST) up

down: ## stop the platform; apps' containers keep running
	@$(SUDO) $(HOST) down

remove: ## take this installation off the host (asks first); keeps its state, unless STATE=1
	@$(SUDO) $(HOST) remove $(if $(and $(filter command,$(origin STATE)),$(filter 1,$(STATE))),--state)

backup: ## write the whole installation into one encrypted file: TO=FILE; IMAGES=0 leaves releases' images out, VOLUMES=1 takes apps' volumes too, KEY=FILE has the passphrase
	@$(SUDO) $(HOST) backup $(if $(filter 0,$(IMAGES)),--without-images) $(if $(filter 1,$(VOLUMES)),--with-volumes) $(if $(KEY),--key "$(KEY)") "$(TO)"

backup-show: ## verify a backup and say what is in it: FROM=FILE
	@$(SUDO) $(HOST) backup-show $(if $(KEY),--key "$(KEY)") "$(FROM)"

restore: install ## make an installation of a backup, in an empty state folder: FROM=FILE; then make up
	@$(SUDO) $(HOST) restore $(if $(KEY),--key "$(KEY)") "$(FROM)"

# What they found is in what they print. A script asks `python -m slipway.host status`: its exit code tells, too.
status: ## what runs, and whether it answers
	@$(SUDO) $(HOST) status || true

doctor: ## check this host, with a remedy for each finding
	@$(SUDO) $(HOST) doctor || true

demo: install-for-demo ## start everything, push a sample repository, print its address; EXAMPLE=static pushes another of examples/, TLS=1 shows certificates too
	@$(SUDO) $(HOST) run -- $(VENV)/python -m slipway.demo --example $(or $(EXAMPLE),hello) $(if $(FORGE_PORT),--port $(FORGE_PORT)) $(if $(WITH_TLS),--tls)

WITH_TLS := $(filter 1,$(TLS))

demo-stop: ## stop the demo's git forge and authority; repositories and certificates stay
	@$(SUDO) $(HOST) run -- $(VENV)/python -m slipway.demo stop

test: install-test ## everything: the static checks and all tests; TESTS=tests/e2e runs those
	@$(SUDO) $(VENV)/python -m tests.lanes $(TESTS)

coverage: install-test ## the lines that tests without an Engine and nginx run, with a floor: it doubles their time
	@$(SUDO) $(VENV)/coverage erase
	@$(SUDO) $(VENV)/coverage run -m pytest -m "not engine and not stack and not firewall and not edge and not histories and not keycloak and not acme and not gitea and not browser"
	@$(SUDO) $(VENV)/coverage combine --quiet
	@$(SUDO) $(VENV)/coverage report

check: ## lint, formatting, types, import rules, words
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/lint-imports
	cd nginx && luacheck --quiet lua spec && busted
	$(VENV)/python -m tests.words

test-unit: ## the fast tests: no sockets, no services
	@$(VENV)/python -m pytest tests/unit

test-keycloak: install-keycloak ## the tests of a real Keycloak, which are not among those of make test: minutes, and 177 MB once
	@mvn --batch-mode --quiet --strict-checksums --file keycloak/providers/pom.xml test
	@$(SUDO) $(VENV)/python -m pytest -m keycloak tests/integration/identity

test-console: install-browser ## the console in a real browser (Debian's Chromium), on real apps too: minutes
	@$(SUDO) $(VENV)/python -m pytest -m browser tests/integration/browser

screenshots: install-browser ## the pictures of README and docs, of a platform with real apps under real load: ten minutes
	@$(SUDO) $(VENV)/python -m tests.screenshots

test-acme: install-acme ## the tests of certificates against pebble, an authority for tests, which Go builds: minutes
	@$(SUDO) $(VENV)/python -m pytest -m acme tests/integration/acme

test-gitea: install-test install-go ## the tests with a real forge, Gitea, which Go builds once (5 minutes)
	@$(SUDO) $(VENV)/python -m pytest -m gitea tests/integration/forges

e2e: install-test ## five apps with three replicas each under load: how even, how fast, and what happens without replicas
	@$(SUDO) $(VENV)/python -m pytest --no-header -v tests/e2e/test_fleet.py

bench: install-bench ## the ratios of the budgets, side by side
	@$(SUDO) $(HOST) run -- $(VENV)/python -m tests.bench

soak: install-bench ## the long runs
	@CRASHES_EVERY=1 ROUTES=10000 REQUESTS_OF_SCHEMA=100 REPOSITORIES=all $(VENV)/python -m pytest tests/soak tests/integration/build/test_repositories.py \
		tests/integration/isolation/test_document.py tests/integration/agent/rollouts/test_crashes.py tests/integration/routes/test_many_routes.py

foreign: install-test ## push repositories of others to a platform of their own: LIST=list.toml FOLDER=their-git-folders OUTPUT=outcomes.jsonl; hours
	@$(SUDO) nice $(VENV)/python -m tests.foreign $(LIST) $(FOLDER) $(OUTPUT)

vendor: ## fetch what the console's pages run of others, as router/console/vendor.lock.json names it
	@$(VENV)/python -m router.console.vendoring

lock: ## resolve the dependencies anew, with hashes
	@$(VENV)/python -m pip --disable-pip-version-check install --quiet uv
	@$(LOCK) --output-file requirements.lock pyproject.toml
	@$(LOCK) --output-file requirements-dev.lock --group dev --constraint requirements.lock pyproject.toml
	@$(LOCK) --output-file requirements-bench.lock --group pyproject.toml:bench
	@$(LOCK) --output-file requirements-go.lock --group pyproject.toml:go
	@$(LOCK) --output-file requirements-browser.lock --group pyproject.toml:browser --constraint requirements-dev.lock

LOCK := $(VENV)/uv pip compile --quiet --upgrade --no-strip-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command "make lock"

env: ## write .env.example anew from the settings
	@$(HOST) settings-reference > .env.example

units: ## write deploy/systemd/ anew from the services' table
	@$(HOST) systemd-units deploy/systemd

clean: ## remove what tools leave behind; keeps .venv and the platform's state
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.* htmlcov build dist *.egg-info
	find . -path ./.venv -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
