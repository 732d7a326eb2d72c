# make repro: the whole pipeline. make test: the tests. Both set up .venv first, if need be.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup repro test long soak lint docs bench

help:
	@echo "make setup   create .venv with the pinned packages of requirements.txt"
	@echo "make repro   run what changed of the pipeline (dvc repro)"
	@echo "make test    run the tests"
	@echo "make long    run the few tests that take half a minute and more each"
	@echo "make soak    kill and starve every stage hundreds of times, see README (SOAK_KILLS=200, SOAK_SECONDS=3600)"
	@echo "make lint    check style, types and the direction of imports"
	@echo "make docs    generate the comments of params.yaml and docs/parameters.md from the code"
	@echo "make bench   measure against peers, write benchmarks/results.md"

setup: .venv/installed
repro: .venv/installed
	dvc repro

test: .venv/installed-dev
	python -m pytest

long: .venv/installed-dev
	python -m pytest -m long

soak: export SOAK_KILLS ?= 200
soak: export SOAK_SECONDS ?= 3600
soak: .venv/installed-dev
	python -m pytest --numprocesses 0 --capture no tests/test_kill.py tests/test_dvc_faults.py

lint: .venv/installed-dev
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src lint-imports

docs: .venv/installed-dev
	python -m stages.docs

bench: .venv/installed-dev
	dvc repro evaluate fetch
	python -m benchmarks

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "error: Python 3.11 to 3.13 is needed; choose one with: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt | .venv/bin/python
	python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/installed-dev: requirements-dev.txt requirements-extras.txt .venv/installed
	python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
