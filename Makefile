# `make help` lists what there is. Every target installs what it needs first, says what it
# does, and is safe to repeat.
.DEFAULT_GOAL := help
.PHONY: help demo test fast one dev coverage campaigns mutants sim races failover check lint format words flow trace roles openapi transcripts pictures deb release test-deb image \
    test-image lock bench bench-estate clean
PYTHON ?= python3
export PYTHON
# Each process would compile the same files anew, and there are hundreds of them.
unexport PYTHONDONTWRITEBYTECODE
# More than there are processors: tests of terminals and of several processes mostly wait. Each takes
# up to 750 MB.
WORKERS ?= $(shell cores=$$(nproc); echo $$((cores < 3 ? 2 * cores + 1 : 6)))
VENV := .venv/bin
RESOLVE = $(VENV)/uv pip compile --universal --python-version 3.11 --quiet \
    --generate-hashes --no-annotate --no-header --no-emit-index-url

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## Set everything up and run the kiosk full-screen on virtual cards
	@.ci/bootstrap run
	@$(VENV)/kiosk demo

test: ## Set everything up and run all tests
	@.ci/bootstrap test
	@$(VENV)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

FAST := tests/contract tests/station tests/config tests/authority/crypto \
    tests/screens/kiosk tests/screens/terminal
# Each takes 6 to 21 s of the processor.
FAST_LEAVES_OUT := tests/contract/test_schemathesis.py tests/authority/crypto/token/test_masters.py \
    $(addprefix tests/screens/kiosk/test_,long_texts.py leftovers.py after_a_whole_visit.py few_colours.py)
fast: ## Run the tests of rules, flow and the holder's pages, each drawn at one size
	@.ci/bootstrap test
	@echo "$(FAST), without $(FAST_LEAVES_OUT), what needs a reader, a database server or a terminal,"
	@echo "and the pages at 60x20 and 120x36; the RA application: make one T=tests/screens/admin"
	@$(VENV)/python -m pytest -q --numprocesses $(WORKERS) --dist loadfile \
	    -m "not hardware and not postgresql and not terminal" -k "not 60x20 and not 120x36" \
	    $(addprefix --ignore=,$(FAST_LEAVES_OUT)) $(FAST) $(PYTEST_ARGS)

one: ## Run one test: T=tests/station/test_step.py, T=FILE::NAME, or T=words of its name
	@.ci/bootstrap test
	@test -n "$(T)" || { echo "which test? make one T=tests/station/test_step.py"; exit 2; }
	@if [ -e "$(firstword $(subst ::, ,$(T)))" ]; then $(VENV)/python -m pytest "$(T)"; \
	    else $(VENV)/python -m pytest -k "$(T)"; fi

dev: ## Show a page live: PAGE=new-pin; it follows screens/kiosk/kiosk.tcss; F12 ends
	@.ci/bootstrap test
	@TEXTUAL=debug $(VENV)/python -m tests.screens.kiosk.gallery $(PAGE)

coverage: ## Print which branches of the station, the authority and the hardware the tests take
	@.ci/bootstrap test
	@$(VENV)/python -m pytest -q --numprocesses $(WORKERS) --dist loadfile --cov-branch \
	    --cov=kiosk.station --cov=kiosk.authority --cov=hardware --cov-report=term \
	    $(PYTEST_ARGS)

sim: ## Simulate estates with faults: SEEDS=1:500, SECONDS=3600; a seed that fails replays
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.sim --seeds $(or $(SEEDS),1:) --seconds $(or $(SECONDS),600)

CAMPAIGNS := tests/attacks/hostile_station/test_a_station_that_lies.py tests/cuts \
    tests/authority/visit/test_lost_answers.py tests/hardware/test_fuzz.py \
    tests/hardware/test_fuzz_reader.py tests/campaigns/test_simulation.py
campaigns: ## Live at full length what `make test` shortens: all cuts, 200,000 lies, broken cards
	@.ci/bootstrap test
	@CAMPAIGNS=whole $(VENV)/python -m pytest --numprocesses $(WORKERS) --dist loadfile \
	    --no-loadscope-reorder $(CAMPAIGNS) $(PYTEST_ARGS)

mutants: ## Take away each defence that docs/security/attacks.md names, and see its test fail: ROWS=word, PROCESSES=2
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.mutants $(if $(ROWS),--rows $(ROWS)) $(if $(PROCESSES),--processes $(PROCESSES))

races: ## Race 32 station processes against two replicas on PostgreSQL: ROUNDS=1000
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.races --rounds $(or $(ROUNDS),1000)

failover: ## Kill the primary database and a replica in the middle of visits: ROUNDS=10, PATRONI=1
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.failover --rounds $(or $(ROUNDS),10) $(if $(PATRONI),--patroni build/patroni)

check: lint test ## Format, lint, types, import rules and tests: green before every commit

lint: ## Format, lint, types and import rules
	@.ci/bootstrap test
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports

format: ## Put the code into its format and mend what can be mended
	@.ci/bootstrap test
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

bench: ## Print the benchmarks: ratios against a floor or a peer in the same run
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.benchmarks

# Not by $(or): that takes the commas of a list apart.
HOLDERS ?= 1000,100000,1000000
bench-estate: ## Print what whole visits take with HOLDERS=1000,100000,1000000, and sessions of staff
	@.ci/bootstrap test
	@$(VENV)/python -m campaigns.load --holders $(HOLDERS)
	@$(VENV)/python -m campaigns.benchmarks sessions

words: ## Extract the sentences for translators into build/kiosk.pot (gettext)
	@.ci/bootstrap test
	@mkdir -p build
	@$(VENV)/python -m tests.support.catalogues > build/kiosk.pot

flow: ## Print the flow diagrams of docs/flow.md anew by running the flow
	@.ci/bootstrap run
	@page=$$($(VENV)/python -m tests.station.flow_page) && printf '%s\n' "$$page" > docs/flow.md

trace: ## Live one unlock on virtual parts, and print what it calls into docs/one-unlock.md
	@.ci/bootstrap test
	@page=$$($(VENV)/python -m campaigns.one_unlock) && printf '%s\n' "$$page" > docs/one-unlock.md

roles: ## Print the table of docs/roles.md anew
	@.ci/bootstrap run
	@$(VENV)/python -m tests.authority.administration.roles_page > docs/roles.md

transcripts: ## Run the sessions in tests/app/transcripts, and write down what they print now
	@.ci/bootstrap test
	@$(VENV)/python -m pytest -q tests/app/transcripts --snapshot-update

pictures: ## Take the snapshot pictures of all screens anew (look at each before you commit)
	@.ci/bootstrap test
	@$(VENV)/python -m pytest tests/screens -q --snapshot-update
	@$(VENV)/python -m tests.screens.kiosk.gallery --pictures docs/pictures
	@$(VENV)/python -m tests.screens.admin.guide docs/pictures

deb: ## Build the Debian packages into dist/, each with its list of components (CycloneDX)
	@.ci/bootstrap deb
	@.ci/build-deb

release: ## Build what is uploaded, signed by KEY=FINGERPRINT, and a repository for apt: URL=where it will be
	@KEY="$(KEY)" URL="$(URL)" .ci/release

test-deb: deb ## Build the packages again, install, update, remove and purge them in a fresh Debian 13
	@.ci/bootstrap test
	@.ci/bootstrap test-deb
	@umask 077 && BUILD=build/elsewhere/deeper DIST=build/again .ci/build-deb
	@DIST=build/before .ci/build-deb 0.0.9
	@$(VENV)/python -m pytest --verbose -p no:cacheprovider tests/systemd/installed.py

image: deb ## Build the image of a station below build/image: CA=FILE, SETTINGS=FILE, KEYBOARD=gb, UPDATES=URL, UPDATES_CA=FILE, KEYS=FOLDER
	@.ci/bootstrap image
	@.ci/build-image

TEST_ESTATE = STATE_DIRECTORY=$(CURDIR)/build/image/estate $(VENV)/kiosk
TEST_IMAGE = CA=build/image/estate-ca.pem UPDATES=https://10.0.2.100/ UPDATES_CA=build/image/updates.crt PROFILE=test
test-image: deb ## Start images in a virtual machine: enrol, keys, unlocks, kills, updates (an hour or two)
	@.ci/bootstrap test
	@.ci/bootstrap image
	@rm -rf build/image/estate && mkdir -p build/image && mkdir -m 0700 build/image/estate
	@$(TEST_ESTATE) setup authority --config build/image/estate.toml </dev/null
	@$(TEST_ESTATE) stations ca --config build/image/estate.toml > build/image/estate-ca.pem
	@CA=build/image/estate-ca.pem UPDATES=https://updates.example/ .ci/build-image
	@openssl req -quiet -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=updates -addext subjectAltName=IP:10.0.2.100 \
	    -keyout build/image/updates.key -out build/image/updates.crt
	@$(TEST_IMAGE) .ci/build-image
	@$(TEST_IMAGE) OUTPUT=next .ci/build-image 0.1.1
	@$(TEST_IMAGE),broken OUTPUT=broken .ci/build-image 0.1.2
	@$(VENV)/python -m pytest --verbose -p no:cacheprovider tests/systemd/image.py

openapi: ## Print docs/openapi.json anew from the port's own types
	@.ci/bootstrap run
	@$(VENV)/python -m kiosk.authority.openapi > docs/openapi.json

lock: ## Resolve the dependencies anew, with their hashes, into requirements/
	@.ci/bootstrap test
	@$(VENV)/python -m pip install --quiet uv
	@$(RESOLVE) pyproject.toml --all-extras --group dev --group build --upgrade -o requirements/develop.lock
	@$(RESOLVE) pyproject.toml --extra pkcs11 -c requirements/develop.lock -o requirements/station.lock
	@$(RESOLVE) pyproject.toml --extra authority --extra postgresql --extra pkcs11 \
	    -c requirements/develop.lock -o requirements/authority.lock
	@$(RESOLVE) --group build -c requirements/develop.lock -o requirements/build.lock
	@$(RESOLVE) --group package -c requirements/develop.lock -o requirements/package.lock

clean: ## Remove the virtual environment and caches
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
