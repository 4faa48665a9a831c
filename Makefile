# make demo · make test · make lint · make format · make benchmark
# The environment in .venv is made once and reused while requirements.lock and pyproject.toml stay the same.

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 2>/dev/null))
VENV ?= .venv
BIN := $(VENV)/bin
KEY := $(shell cat requirements.lock pyproject.toml | sha256sum 2>/dev/null | cut -c1-16)
CORE := $(VENV)/.syrip-core-$(KEY)
DEV := $(VENV)/.syrip-dev-$(KEY)
PYTEST_ARGS ?= -n 2
DEMO ?= demo
DEMO_N ?= 48

.PHONY: demo test lint format benchmark env env-dev clean

demo: $(CORE)
	@if [ -f "$(DEMO)/run.json" ]; then rm -rf "$(DEMO)"; fi
	$(BIN)/syrip generate --n $(DEMO_N) --output $(DEMO) --resume
	@echo "Contact sheet: $(abspath $(DEMO))/contact_sheet.jpg"

test: $(DEV)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(DEV)
	$(BIN)/python -m benchmarks.generate
	$(BIN)/python -m benchmarks.fit

env: $(CORE)

env-dev: $(DEV)

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11 or newer, or run make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11; run make PYTHON=/path/to/python3.11" >&2; exit 2; }
	"$(PYTHON)" -m venv $(VENV)

# The tools' environment holds the core one, so it satisfies both.
$(CORE): | $(BIN)/python
	@if [ -e "$(DEV)" ]; then touch "$@"; else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e . && \
	  rm -f $(VENV)/.syrip-* && touch "$@"; fi

$(DEV): | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@rm -f $(VENV)/.syrip-* && touch "$@"

clean:
	rm -rf build dist $(DEMO)
