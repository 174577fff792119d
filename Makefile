# Two commands on a fresh machine: `make demo` and `make test`. Needs Python ≥ 3.11 and make.
PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,\
	$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $(name))))
BIN := .venv/bin
READY := .venv/.ready
NEXUS := .venv-nexus/.ready
OUTPUT ?= labctl-demo
ARGS ?=

.PHONY: demo test test-service test-gui env lint types contracts nexus bench pulls kill-test soak screenshots lock schema clean

demo: $(READY)
	@$(BIN)/labctl demo --output $(OUTPUT) $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-service: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/api tests/client tests/daemon tests/faults tests/night tests/web $(ARGS)

test-gui: $(READY)
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n 2 --dist loadfile tests/gui -m 'not slow' $(ARGS)

env: $(READY)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

# the validator needs older libraries than labctl: an environment of its own
nexus: $(READY) $(NEXUS)
	rm -rf build/nexus
	$(BIN)/labctl run spectrum --output build/nexus --set exposure_s='5 s'
	$(BIN)/labctl run spectrum --output build/nexus --set window=pl
	$(BIN)/labctl run power_series --output build/nexus --set exposure_s='5 s' --set refocus=false
	.venv-nexus/bin/python tests/nexus/validate.py build/nexus/*/*/*/*/*.nxs

bench: $(READY)
	$(BIN)/python -m pytest tests/benchmarks/bench_*.py --benchmark-only -p no:xdist -s $(ARGS)

pulls: $(READY)
	$(BIN)/python tests/benchmarks/pulls.py $(ARGS)

# hours: the long forms of what `make test` does in short
soak: $(READY)
	$(BIN)/python tests/system/kill_test.py --kills 50
	$(BIN)/python tests/daemon/storm.py --kills 1000
	LABCTL_POWER_CUTS=5000 LABCTL_WRITE_STEP=1 $(BIN)/python -m pytest tests/faults -n 2 --timeout 3600
	for seed in 1 2 3 4 5; do $(BIN)/python tests/night/storm.py --hours 24 --seed $$seed || exit 1; done
	$(BIN)/python tests/safety/safety_bench.py --repeats 200
	$(BIN)/python tests/daemon/soak.py --minutes 480
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/gui -m slow
	$(BIN)/python tests/safety/safety_mutants.py
	$(BIN)/python tests/faults/mutants.py
	$(BIN)/python tests/faults/print_fault_model.py

# every screen of the window in every theme, as pictures in build/screenshots
screenshots: $(READY)
	QT_QPA_PLATFORM=offscreen $(BIN)/python tests/gui/screenshots.py build/screenshots

kill-test: $(READY)
	$(BIN)/python tests/system/kill_test.py $(ARGS)

schema: $(READY)
	$(BIN)/python -m labctl.station > configs/labctl.schema.json

lock:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url -o requirements.lock

clean:
	rm -rf .venv .venv-nexus .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info

$(READY): requirements.lock pyproject.toml
ifeq ($(strip $(PYTHON)),)
	$(error labctl needs Python 3.11 or newer with its venv module. Install it (Debian, Ubuntu: apt install python3-venv; macOS: brew install python) or name it: make demo PYTHON=/path/to/python3.11)
endif
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(NEXUS): tests/nexus/requirements.lock | $(READY)
	$(PYTHON) -m venv .venv-nexus
	.venv-nexus/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
