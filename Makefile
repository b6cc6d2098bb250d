# Everything one does here. `make` alone says what there is.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal
# Slow tests often wait for processes that they started, so there is one more worker than cores.
SLOW_PYTEST := $(PYTEST) -n $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 1 )))

.DEFAULT_GOAL := help
.PHONY: help run dev test test-all lint fix screenshots handbook-pictures bench bombs bench-http failover-test load-test fairness-test migration-test mutants sbom audit messages lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.runs ## run the site on this machine (PORT=8000)
	@exec $(MANAGE) serve --port $(PORT)

dev: $(VENV)/.develops ## the same with auto-reload and the debug toolbar (PORT=8000)
	@DJANGO_SETTINGS_MODULE=config.settings_dev exec $(MANAGE) serve --reload --port $(PORT)

test: $(VENV)/.develops ## run the tests that show in minutes whether the product works
	@$(MANAGE) messages --compile
	@failed=0; \
	$(PYTEST) -m "core or not (slow or browser)" || failed=1; \
	$(PYTEST) --postgresql -m "postgresql and not (slow or browser)" || failed=1; \
	exit $$failed

test-all: test ## run the rest too: slow tests, browsers, everything on PostgreSQL
	@failed=0; export HYPOTHESIS_PROFILE=$${HYPOTHESIS_PROFILE:-ci}; \
	$(SLOW_PYTEST) -m "(slow or browser) and not core" || failed=1; \
	$(PYTEST) --postgresql -m "not sqlite_only and (slow or browser or not postgresql)" || failed=1; \
	exit $$failed

lint: $(VENV)/.develops ## check style, types, templates, migrations, messages and deployment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z -- 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2 --check
	$(BIN)/mypy
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) messages --check
	$(BIN)/python tools/check_prose.py
	ALLIES_FORCE_HTTPS=true ALLIES_SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))') \
		$(MANAGE) check --deploy --fail-level WARNING

fix: $(VENV)/.develops ## correct style and format of code and templates, as far as tools can
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .
	git ls-files -z -- 'templates/*.html' | xargs -0 $(BIN)/djade --target-version 5.2 || true  # 1 says that it changed something

screenshots: $(VENV)/.develops ## draw every kind of page into var/pictures/
	@$(MANAGE) messages --compile
	$(BIN)/python -m tests.browser.screenshots

handbook-pictures: $(VENV)/.develops ## draw the pictures of the handbook into docs/screenshots/handbook/
	@$(MANAGE) messages --compile
	$(BIN)/python -m tests.browser.handbook_pictures

bench: $(VENV)/.develops ## measure imports, exports and pages, as ratios within one run
	@missed=0; for database in "" --postgresql; do \
		$(BIN)/python -m tests.benchmarks $$database || missed=1; done; exit $$missed

bombs: $(VENV)/.develops ## read files made to exhaust their reader; print seconds and megabytes
	$(BIN)/python -m tests.decompression_bombs

bench-http: $(VENV)/.develops ## measure what readers wait for, against a bare view and raw SQL
	@$(MANAGE) messages --compile
	@test -e var/tools/datasette || $(PYTHON) -m venv var/tools/datasette
	@var/tools/datasette/bin/pip install -q datasette || rm -rf var/tools/datasette
	@missed=0; for database in "" --postgresql; do \
		$(BIN)/python -m tests.benchmarks.readers $$database || missed=1; done; exit $$missed

failover-test: $(VENV)/.develops ## kill each part of a whole cluster under load (needs PostgreSQL, Redis, nginx)
	@$(MANAGE) messages --compile
	$(BIN)/python -m tests.failover_test

load-test: $(VENV)/.develops ## a minute with 200 readers and five editors while files are applied and undone
	@$(MANAGE) messages --compile
	$(BIN)/python -m tests.load_test
	$(BIN)/python -m tests.load_test --postgresql

fairness-test: $(VENV)/.develops ## let one client download without a break while another reads
	@$(MANAGE) messages --compile
	@missed=0; for database in "" --postgresql; do \
		$(BIN)/python -m tests.fairness_test $$database || missed=1; done; exit $$missed

migration-test: $(VENV)/.develops ## migrate a site with all the published data while readers read
	@$(MANAGE) messages --compile
	$(BIN)/python -m tests.migration_test
	$(BIN)/python -m tests.migration_test --postgresql

SAMPLE ?= 300
SEED ?= $(shell $(PYTHON) -c 'import random; print(random.randrange(10**6))')
mutants: $(VENV)/.develops ## put small faults into the code and count those that tests notice (SAMPLE=40 SEED=1)
	@$(MANAGE) messages --compile
	@mkdir -p var; test -e var/tools/mutants || $(PYTHON) -m venv var/tools/mutants
	@var/tools/mutants/bin/pip install -q --disable-pip-version-check mutmut==3.8.1
	$(BIN)/python -m tests.mutation --tool var/tools/mutants/bin/python --sample $(SAMPLE) --seed $(SEED)

sbom: ## list what the site is made of, as CycloneDX: var/sbom.json
	@mkdir -p var; test -e var/tools/sbom || $(PYTHON) -m venv var/tools/sbom
	@var/tools/sbom/bin/pip install -q --disable-pip-version-check cyclonedx-bom==7.5.0
	var/tools/sbom/bin/cyclonedx-py requirements requirements.txt --output-reproducible --output-file var/sbom.json

audit: ## ask the advisory database (over the network) about what the site is made of
	@mkdir -p var; test -e var/tools/audit || $(PYTHON) -m venv var/tools/audit
	@var/tools/audit/bin/pip install -q --disable-pip-version-check pip-audit==2.10.1
	var/tools/audit/bin/pip-audit --require-hashes --disable-pip -r requirements.txt

messages: $(VENV)/.develops ## bring the message catalogues up to date with the code
	$(MANAGE) messages

lock: $(VENV)/.develops ## lock the requirements, with hashes, for every platform
	for name in requirements requirements-dev; do $(BIN)/uv pip compile --universal --python-version 3.11 \
		--generate-hashes --no-header --no-emit-index-url --no-emit-find-links --quiet $$name.in -o $$name.txt; done

clean: ## remove the environment and what tools left; data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@$(PYTHON) -m venv $(VENV)

# A stamp a set of requirements: what is installed is installed once.
$(VENV)/.runs: requirements.txt | $(BIN)/python
	@echo "Installing requirements.txt …"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.develops: requirements-dev.txt | $(BIN)/python
	@echo "Installing requirements-dev.txt …"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/.runs
