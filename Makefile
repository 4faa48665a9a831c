# make demo · make test · make blender · make browser · make lint · make format · make benchmark
# The environment in .venv is made once and reused while requirements.lock and pyproject.toml stay the same.

PYTHON ?= $(firstword $(shell command -v python3.11 python3.12 python3.13 python3 2>/dev/null))
VENV ?= .venv
BIN := $(VENV)/bin
KEY := $(shell cat requirements.lock pyproject.toml | sha256sum 2>/dev/null | cut -c1-16)
CORE := $(VENV)/.syrip-core-$(KEY)
DEV := $(VENV)/.syrip-dev-$(KEY)
# Blender lives in an environment of its own: its wheel wants Python 3.11 exactly, and numpy 1.
PYTHON311 ?= python3.11 $(BIN)/python python3
BLENDER_VENV := .venv-blender
BLENDER_LOCK := blender_scripts/requirements.txt
BLENDER := $(BLENDER_VENV)/.syrip-blender-$(shell cat $(BLENDER_LOCK) | sha256sum 2>/dev/null | cut -c1-16)
BLENDER_LIBRARIES := libx11-6 libxext6 libxrender1 libxfixes3 libxi6 libxkbcommon0 libsm6 libgl1
BROWSERS := chromium
PYTEST_ARGS ?= -n 2
# Free disk that an installation needs, downloads included.
CORE_GIB := 9
DEV_GIB := 12
DEMO ?= demo
DEMO_N ?= 48

.PHONY: demo test blender browser lint format benchmark env env-dev clean

demo: $(CORE)
	@if [ -f "$(DEMO)/run.json" ]; then rm -rf "$(DEMO)"; fi
	$(BIN)/syrip generate --n $(DEMO_N) --output $(DEMO) --resume
	@echo "Contact sheet: $(abspath $(DEMO))/contact_sheet.jpg"

test: $(DEV)
	@$(MAKE) --no-print-directory blender || echo "Going on without Blender: the tests that need it are skipped."
	@$(MAKE) --no-print-directory browser || echo "Going on without Chromium: the tests of the labelling page are skipped."
	$(BIN)/python -m pytest $(PYTEST_ARGS)

blender: $(BLENDER)
	@echo "Blender is ready: syrip generate --renderer cycles"

# For the tests of the labelling page. Installs only as root on Debian and Ubuntu (containers, CI); else it says how.
browser:
	@for b in $(BROWSERS); do command -v $$b >/dev/null 2>&1 && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "Installing Chromium by apt-get (once)"; \
	  { apt-get -q -y install --no-install-recommends chromium || \
	    { apt-get -q update && apt-get -q -y install --no-install-recommends chromium; }; } >/dev/null; \
	else echo "Chromium was not found; on Debian and Ubuntu: sudo apt install chromium" >&2; exit 1; fi

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

# Installing into a full disk ends in the middle, with an error of pip's that is easily overlooked.
define need_gib
	@ls -d $(VENV)/lib/python3*/site-packages/torch >/dev/null 2>&1 && exit 0; \
	free=$$(df -Pk $(VENV) | awk 'NR==2 {print int($$4 / 1048576)}'); \
	if [ "$${free:-$(1)}" -lt $(1) ]; then \
	  echo "Installing needs $(1) GiB of free disk (torch brings CUDA's libraries along) and $(VENV) has $$free GiB: free some, or run make VENV=/another/disk/venv" >&2; exit 1; fi
endef

# The tools' environment holds the core one, so it satisfies both.
$(CORE): | $(BIN)/python
	$(call need_gib,$(CORE_GIB))
	@if [ -e "$(DEV)" ]; then touch "$@"; else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e . && \
	  rm -f $(VENV)/.syrip-* && touch "$@"; fi

$(DEV): | $(BIN)/python
	$(call need_gib,$(DEV_GIB))
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[dev]'
	@rm -f $(VENV)/.syrip-* && touch "$@"

$(BLENDER):
	@found=""; for p in $(PYTHON311); do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then found=$$p; break; fi; done; \
	test -n "$$found" || { echo "Blender's wheel needs Python 3.11 exactly and none was found: install it, run make blender PYTHON311=/path/to/python3.11, or name an installed Blender with --blender or SYRIP_BLENDER" >&2; exit 2; }; \
	echo "Installing Blender into $(BLENDER_VENV) (375 MB to fetch, once)"; \
	"$$found" -m venv $(BLENDER_VENV) && rm -f $(BLENDER_VENV)/.syrip-blender-*
	@$(BLENDER_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --retries 1 -r $(BLENDER_LOCK) || \
	  { echo "Blender could not be installed (pip's reason is above)" >&2; exit 1; }
	@$(BLENDER_VENV)/bin/python -c "import bpy" || \
	  { echo "Blender lacks a library of the system; on Debian and Ubuntu: apt install $(BLENDER_LIBRARIES)" >&2; exit 1; }
	@touch "$@"

clean:
	rm -rf build dist $(DEMO)
