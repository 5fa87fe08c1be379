# What a machine lacks is installed by the targets themselves (Debian), with a word on why. `make help` lists them.
SHELL := /bin/sh
CARGO := $(shell command -v cargo || echo $$HOME/.cargo/bin/cargo)
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help demo test check fmt release bench soak doctor deny deny-install clean-demo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  %-18s %s\n", $$1, $$2 }'

demo: ## database, bot, simulated Telegram and its web chat, on this machine; Ctrl-C stops it (FRESH=1 forgets earlier runs)
	@tools/need.sh demo
	@$(CARGO) build --locked -p usipipo -p usipipo-sandbox
	@exec env USIPIPO_TOOLS_DIR=$${USIPIPO_TOOLS_DIR:-$(CURDIR)/target/tools} $(TARGET)/debug/usipipo demo $(if $(FRESH),--fresh)

test: ## every test, against a private PostgreSQL (T="words" runs only the tests whose names hold them)
	@tools/test.sh $(T)

check: ## format, alert rules, clippy, docs, and licences if cargo-deny is there
	@tools/check.sh

fmt: ## formats everything
	@$(CARGO) fmt --all

release: ## builds the program without the sandbox: target/release/usipipo
	@tools/need.sh build
	@$(CARGO) build --locked --release -p usipipo
	@ls -l $(TARGET)/release/usipipo

bench: ## measures; B=B3 runs one
	@tools/bench.sh $(B)

soak: ## B10: asks all the time while processes and actors are killed (SOAK_SECONDS=600 sets how long)
	@tools/bench.sh B10

doctor: ## checks this machine and the settings, and says how to mend what is wrong
	@tools/need.sh build
	@$(CARGO) run --locked -q -p usipipo -- doctor

deny: ## licences, doubled crates and where crates come from
	@tools/check.sh deny

deny-install: ## builds cargo-deny under target/tools; takes some minutes
	@tools/check.sh deny-install
