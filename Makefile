# `make check` before every commit; PYTHON is that of the environment with limner[test] in it.
PYTHON ?= .venv/bin/python

.PHONY: check fast format lint types test slow fix

check: format lint types test slow

format:
	$(PYTHON) -m ruff format --check .

lint:
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

test:
	$(PYTHON) -m pytest -q

slow:
	$(PYTHON) -m pytest -q -m slow

fast: format lint types test

fix:
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .
