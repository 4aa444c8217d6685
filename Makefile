# What one can do here; `make` lists it. Each target is a script of the same name below scripts/.

.DEFAULT_GOAL := help
.PHONY: help build run test bench bench-quick lint format fuzz advisories pictures setup clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@for proof in scripts/prove/*; do [ -x "$$proof" ] || continue; \
		printf '  %-14s %s\n' "prove-$${proof##*/}" "$$(sed -n '2s/^# //p' "$$proof")"; done

run: ## Build and serve on SQLite with demo data and the shipped plugins
	@scripts/run

build: ## Build the server and the plugins
	@scripts/build

test: ## Run every test; starts the services that tests need and stops them
	@scripts/test $(ARGS)

bench: ## Measure the server beside the limits of this machine; writes docs/benchmarks.md
	@scripts/bench full

bench-quick: ## The same within two minutes; fails on a large loss against the committed table
	@scripts/bench quick

lint: ## Check formatting, clippy, licences and banned crates
	@scripts/lint

format: ## Format the sources
	@cargo fmt --all

advisories: ## Check dependencies against the RustSec database (needs the network)
	@scripts/lint advisories

pictures: ## Make the pictures of the documentation anew
	@scripts/pictures

setup: ## Install what tests, lint and fuzzing need
	@scripts/setup-tests tests lint fuzz

clean: ## Remove what was built and what `make run` wrote
	@cargo clean && rm -rf .run

# Long proofs; FORM=short is what CI runs.
prove-%: scripts/prove/% ## Run one of the long proofs
	@scripts/prove/$*
