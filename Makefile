# Each of these works alone on a clean checkout with only Python 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-long check bench docs clean

demo: $(STAMP)
	$(BIN)/kbsupport demo

# One thread each for numpy: the tests side by side take all cores already.
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile --durations=25

# All but what starts other systems, kills processes or fits models.
test: $(STAMP)
	$(PYTEST) -m "not long"

# The rest.
test-long: $(STAMP)
	$(PYTEST) -m long

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python benchmarks/run_all.py

docs: $(STAMP)
	$(BIN)/python docs/make_reference.py

clean:
	rm -rf .venv .venv-servers benchmarks/.peers

# pip 25.1 is the first that reads dependency groups.
$(STAMP): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $(STAMP)
