# make repro: the whole pipeline. make test: the tests. Both set up .venv first, if need be.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup repro screenshot test coverage long soak lint docs bench

help:
	@echo "make setup   create .venv with the pinned packages of requirements.txt and the command landcover"
	@echo "make repro   run what changed of the pipeline (dvc repro)"
	@echo "make screenshot  make the figures of the page of the report that README and docs show"
	@echo "make test    run the tests"
	@echo "make coverage  run them and list the lines of src/ and stages/ that none of them runs"
	@echo "make long    run the tests that take longest"
	@echo "make soak    kill and starve every stage hundreds of times, see docs/reliability.md (SOAK_KILLS=200, SOAK_SECONDS=3600)"
	@echo "make lint    check style, types, the direction of imports, workflow and citation"
	@echo "make docs    generate the parameters' page and comments, build the site of docs/ into site/"
	@echo "make bench   measure against peers, write benchmarks/results.md"

setup: .venv/installed
repro: .venv/installed
	dvc repro

screenshot: .venv/installed-dev
	python -m docs.page_screenshots

test: .venv/installed-dev
	python -m pytest

coverage: .venv/installed-dev
	python -m pytest --cov=src --cov=stages --cov-report=term-missing:skip-covered

long: .venv/installed-dev
	python -m pytest -m long

soak: export SOAK_KILLS ?= 200
soak: export SOAK_SECONDS ?= 3600
soak: .venv/installed-dev
	python -m pytest --numprocesses 0 --capture no -m 'long or not long' tests/test_kill.py tests/test_dvc_faults.py

lint: .venv/installed-dev
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=src lint-imports
	check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff

docs: export NO_MKDOCS_2_WARNING = 1
docs: .venv/installed-dev
	python -m stages.docs
	mkdocs build --strict

bench: .venv/installed-bench
	dvc repro evaluate fetch
	python -m benchmarks

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13) and "error: Python 3.11 to 3.13 is needed; choose one with: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.txt pyproject.toml | .venv/bin/python
	python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/installed-dev: requirements-dev.txt requirements-docs.txt requirements-extras.txt .venv/installed
	python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

.venv/installed-bench: requirements-bench.txt .venv/installed-dev
	python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	touch $@
