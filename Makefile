# `make run`: set up, then the main job. `make test`: the same set-up, then all tests.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test lint typecheck clean

run: .venv/ready
	$(BIN)/semsync run digits --seeds 3 --out runs/digits --resume

test: .venv/ready lint typecheck
	$(BIN)/python -m pytest

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The package is this folder, whatever its name: mypy sees it under the name that users import.
typecheck: .venv/ready
	mkdir -p .venv/typecheck && ln -sfn "$(CURDIR)" .venv/typecheck/semsync
	cd .venv/typecheck && MYPYPATH=. ../bin/mypy --config-file "$(CURDIR)/pyproject.toml" -p semsync

# torch comes first and alone: its pinned version is the one that other packages must find.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'semsync needs Python 3.11 or newer; choose one: make PYTHON=python3.11 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch .venv/ready

clean:
	rm -rf .venv runs
