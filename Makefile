# Everything that is done with a clone: `make help` lists it.
# Paths are relative on purpose, so that the folder of the clone may have any name, blanks included.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test lint format quality pins clean

PIP := .venv/bin/python -m pip
PIP_INSTALL := $(PIP) install --quiet --progress-bar off

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
export PIP_USER := 0
# No library may report its use to anyone: not while setting up, not while building, not while serving.
export GRADIO_ANALYTICS_ENABLED := False
export HF_HUB_DISABLE_TELEMETRY := 1
export DO_NOT_TRACK := 1

help:  ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

setup: .venv/runtime  ## make .venv, with the command .venv/bin/vraagbaak (PYTHON=… chooses the Python)
	@echo "Set up: .venv/bin/vraagbaak is there; make run serves the chat."

run: .venv/runtime  ## bring the index up to date and serve the chat
	@exec .venv/bin/python app.py

test: .venv/development .venv/bin/chromium .venv/bin/firefox lint  ## set up, check style and types, run every test (CHROMIUM_PATH=… and FIREFOX_PATH=… choose the browsers)
	@echo "Running the tests."
	@CHROMIUM_PATH="$${CHROMIUM_PATH:-$$(readlink .venv/bin/chromium)}" \
		FIREFOX_PATH="$${FIREFOX_PATH:-$$(readlink .venv/bin/firefox)}" .venv/bin/python -m pytest

lint: .venv/development  ## check style and types
	@echo "Checking style and types."
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy --strict

format: .venv/development  ## put every file into the style
	@.venv/bin/python -m ruff check --fix .
	@.venv/bin/python -m ruff format .

quality: .venv/runtime  ## measure every number in docs/quality.md again, and write it there (some minutes)
	@.venv/bin/python benchmarks/quality.py

pins: .venv/development  ## resolve anew what the direct requirements bring along, and write it below them
	@.venv/bin/python .ci/pins.py requirements.txt requirements-dev.txt

clean:  ## remove .venv and what the tools left; the index stays
	rm -rf .venv .chromium .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info

# Each of these is a stamp, made when its step is done and not before. `.venv/unfinished` is there as
# long as packages are being written: found at the start, it tells of a set-up that was cut short.

.venv/made: $(if $(realpath .venv/bin/python),,anew) $(if $(wildcard .venv/unfinished),anew)
	@bash .ci/environment python
	@touch $@

.venv/runtime: .venv/made requirements.txt pyproject.toml
	@echo "Installing what is needed to run (requirements.txt); the first time this takes some minutes."
	@touch .venv/unfinished
	@$(PIP_INSTALL) --requirement requirements.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@rm .venv/unfinished
	@touch $@

.venv/development: .venv/runtime requirements-dev.txt
	@echo "Installing what is needed to test (requirements-dev.txt)."
	@touch .venv/unfinished
	@$(PIP_INSTALL) --requirement requirements-dev.txt
	@rm .venv/unfinished
	@touch $@

.venv/bin/chromium .venv/bin/firefox: | .venv/development
	@bash .ci/environment $(notdir $@) $@

.PHONY: anew
