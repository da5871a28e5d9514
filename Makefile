# make run     sets everything up and runs the main job:  make run SAY="走到桌子前" ARGS="--film out.mp4"
# make test    sets everything up and runs every check
# make doctor  says what is here, what is missing, and how fast this machine is
# make mutants breaks safety/ in every small way and counts the breaks that no test sees
# make train   adds what training needs (torch, large)
# make clean   removes what the above have made

SAY ?= 走到桌子前，看看桌上有什么，然后跳个舞
ARGS ?=
PYTHON ?= python3
export SAY

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# A set-up is valid for as long as the files that define it do not change.
KEY := $(shell cat pyproject.toml constraints.txt Makefile src/yanshi/assets/manifest.py | sha256sum | cut -c1-16)
READY := $(VENV)/.ready-$(KEY)
READY_DEV := $(VENV)/.ready-dev-$(KEY)
READY_TRAIN := $(VENV)/.ready-train-$(KEY)
# What is missing from the system is installed when that is allowed, else the command is told.
AS_ROOT := [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null
APT := apt-get update -qq && apt-get install -y -qq --no-install-recommends
RENDERER := libegl1 libgl1-mesa-dri libgles2
RENDERS := $(PY) -m yanshi.bodies.renderer > /dev/null

.PHONY: run test mutants doctor train setup renderer clean

run: $(READY)
	@$(VENV)/bin/yanshi run "$$SAY" $(ARGS)

doctor: $(READY)
	@$(VENV)/bin/yanshi doctor

setup: $(READY)

train: $(READY_TRAIN)

test: $(READY_DEV)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(PY) -m pytest tests/safety --cov=yanshi.safety --cov-branch --cov-fail-under=100 \
	    --cov-report=term-missing:skip-covered
	$(PY) -m pytest -m alone $(PYTEST_ARGS)
	$(PY) -m pytest -n 2 --dist worksteal -m 'not alone' --ignore=tests/safety $(PYTEST_ARGS)

mutants: $(READY_DEV)
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev,mutants]'
	rm -rf mutants
	$(PY) -m mutmut run --max-children 2 > mutants.log 2>&1 || { tail -n 20 mutants.log; exit 1; }
	$(PY) tests/safety/count_mutants.py

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Yanshi needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(AS_ROOT) && $(APT) python3-venv; } || \
	    { echo "Python's venv is missing. As root: apt-get install -y python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(READY): | $(PY)
	@echo "Setting Yanshi up in $(VENV); the first time takes a few minutes."
	@$(PIP) install -c constraints.txt hatchling
	@$(PIP) install -c constraints.txt --no-build-isolation -e .
	@$(PY) -m yanshi.assets > /dev/null
	@$(MAKE) --no-print-directory renderer
	@rm -f $(VENV)/.ready-* && touch $@

$(READY_DEV): $(READY)
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	@touch $@

$(READY_TRAIN): $(READY_DEV)
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[dev,train]'
	@touch $@

renderer:
	@$(RENDERS) 2> /dev/null || { $(AS_ROOT) && $(APT) $(RENDERER); $(RENDERS); }

clean:
	rm -rf $(VENV) build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants mutants.log .coverage
