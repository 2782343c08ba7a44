# What people type. See README.md.
#
#   make deps       install what the build needs: Debian packages, if any are missing
#   make            build everything; changes nothing outside this directory
#   make demo       get all it needs, build the programs, and watch Redis being reached
#                   through an encrypted pipe, or the programs being replaced: DEMO=upgrade
#   make test       get all they need, and run every test
#   make soak       run the tests that take long
#   make verify     look for attacks on models of the handshake and of pairing, and
#                   for time that depends on secrets
#   make bench      measure it side by side with spiped, stunnel and HAProxy
#   make bench-micro   measure its parts, and the portable component
#   make bench-hosts   measure the portable component in other hosts
#   make check      formatting, lints, documentation, dependencies
#   make audit      look the dependencies up among known vulnerabilities
#   make packages   what other programs install, into target/packages, and try it
#   make install    into $(DESTDIR)$(PREFIX)
#   make deb        a Debian package, into target/packages; make dist: archives of sources
#                   and programs; make image: an image for containers

PREFIX ?= /usr/local
# The name and address in the Debian package.
export MAINTAINER ?= The spiped-wasm authors <maintainers@spiped-wasm.example>

# The outputs have fixed paths.
unexport CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR

COMPONENTS := target/components
PACKAGES := target/packages
PROGRAMS := target/release/spiped target/release/spipe
ECHO := target/release/examples/echo
TOOL := target/tool/componentize

# What to say of it, the seconds it takes two processors from nothing, and the command.
STEP := core-wasm/step.sh

WORKSPACE := Cargo.toml Cargo.lock
CORE := $(WORKSPACE) core-wasm/Cargo.toml core-wasm/build.sh $(wildcard wit/*.wit) \
	$(shell find core-wasm/src -name '*.rs')
HOST := $(WORKSPACE) host/Cargo.toml host/build.rs $(wildcard wit/*.wit) \
	$(shell find host/src -name '*.rs')

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
WASM := $(COMPONENTS)/spiped-portable.wasm $(COMPONENTS)/spiped-portable.core.wasm \
	$(COMPONENTS)/spiped.wasm
PACKED := $(PACKAGES)/oci/index.json $(PACKAGES)/spiped-core-$(VERSION).crate \
	$(PACKAGES)/spiped-pipe-$(VERSION).tgz $(PACKAGES)/spiped_pipe-$(VERSION)-py3-none-any.whl

SCRIPTS := .ci/run $(wildcard core-wasm/*.sh host/*/*.sh host/packaging/debian/p* tests/*.sh tests/*/*.sh tests/*/*/*.sh)

.PHONY: all deps equipped demo test soak verify check audit check-reproducible fuzz-smoke bench bench-micro bench-hosts wit-docs manual \
	packages packed install deb dist image staged clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) $(COMPONENTS)/spiped-portable.wasm $(COMPONENTS)/spiped-native.wasm \
		$(COMPONENTS)/spiped.wasm

$(COMPONENTS)/spiped-%.wasm: $(CORE) $(TOOL)
	@mkdir -p $(@D)
	@$(TOOL) encode "$$($(STEP) "component ($*)" 40 core-wasm/build.sh $*)" $@

# For the tests: a later version to upgrade to. Its module has the native one's path.
$(COMPONENTS)/spiped-next.wasm: | $(COMPONENTS)/spiped-native.wasm

$(COMPONENTS)/spiped-shell.wasm: $(shell find host/wasi -name '*.rs') host/wasi/Cargo.toml \
	host/src/guest/fault.rs

# The whole program, for hosts with WASI.
$(COMPONENTS)/spiped.wasm: $(COMPONENTS)/spiped-portable.wasm $(COMPONENTS)/spiped-shell.wasm $(TOOL)
	$(TOOL) compose $< $(COMPONENTS)/spiped-shell.wasm $@

# For the tests: to be composed with the portable one.
$(COMPONENTS)/spiped-consumer.wasm: $(shell find tests/hosts/consumer -type f)

# The module inside, for hosts that do not know components.
$(COMPONENTS)/spiped-%.core.wasm: $(COMPONENTS)/spiped-%.wasm $(TOOL)
	$(TOOL) core $< $@

$(COMPONENTS)/%.cwasm: $(COMPONENTS)/%.wasm $(TOOL)
	$(TOOL) precompile $< $@

# For processes that may write no file.
$(COMPONENTS)/%-copied.cwasm: $(COMPONENTS)/%.wasm $(TOOL)
	$(TOOL) precompile-copied $< $@

# Everything is built with it, so compilers are looked for only here.
$(TOOL): $(WORKSPACE) $(shell find core-wasm/componentize -type f) host/src/guest/engine_config.rs \
		| equipped
	@$(STEP) "build tool, with a compiler for WebAssembly" 60 \
		cargo build --locked --profile tool --package componentize
	@touch $@

# One command makes both. Without other members of the workspace, so that none
# of them can pull a compiler into the daemon.
$(PROGRAMS) &: $(HOST) $(COMPONENTS)/spiped-native.cwasm $(COMPONENTS)/spiped-native-copied.cwasm
	@$(STEP) "spiped and spipe" 90 cargo build --locked --release --package spiped
	@touch $(PROGRAMS)

# The only target that changes the system, but for demo and test, which begin with it.
deps:
	@host/packaging/deps.sh install

# One line with the remedy, in place of make's own error about a missing command.
equipped: missing = $(shell host/packaging/deps.sh check)
equipped:
	@$(if $(missing),$(error $(missing)))

# Without what only other programs need.
demo:
	@echo "make demo: installs what is missing, builds for the first time in about 5 minutes on two processors, takes 2 GB"
	@host/packaging/deps.sh install
	@$(MAKE) --no-print-directory $(PROGRAMS) $(ECHO)
	@BIN=target/release host/demo/demo.sh $(DEMO)

# Where cargo would put it, which would compile what all examples, tests and benchmarks need.
$(ECHO): host/examples/echo.rs
	@mkdir -p $(@D)
	@rustc --edition 2024 -C opt-level=2 -C strip=debuginfo -o $@ $<

test:
	@echo "make test: installs what is missing, takes about 25 minutes on two processors and 10 GB"
	@host/packaging/deps.sh install
	@$(MAKE) --no-print-directory all $(COMPONENTS)/spiped-consumer.wasm $(COMPONENTS)/spiped-next.cwasm
	@tests/run.sh

# Each from a fresh folder outside the project, as its README says.
packages: all packed
	@tests/run.sh packages

packed: $(PACKED)
	@host/packaging/checksums.sh

$(PACKAGES)/spiped-core-$(VERSION).crate: $(CORE) $(shell find core-wasm/examples -type f) \
		core-wasm/pack.sh core-wasm/README.md LICENSE target/revision
	core-wasm/pack.sh

$(PACKAGES)/spiped-pipe-$(VERSION).tgz: $(shell find host/node -type f) \
		$(COMPONENTS)/spiped-portable.core.wasm Cargo.toml LICENSE
	host/node/pack.sh

$(PACKAGES)/spiped_pipe-$(VERSION)-py3-none-any.whl: \
		$(shell find host/python -type f -not -path '*/__pycache__/*') \
		$(COMPONENTS)/spiped-portable.core.wasm Cargo.toml LICENSE
	host/python/pack.sh

# Components that say what they are, what is in them, and the same for registries.
$(PACKAGES)/oci/index.json: $(WASM) $(TOOL) core-wasm/pack-wasm.sh target/revision
	core-wasm/pack-wasm.sh

# Is another file only if the revision is another one.
target/revision: FORCE
	@core-wasm/revision.sh

# Each has a short form in `make test`.
soak: all $(COMPONENTS)/spiped-next.cwasm deb dist image
	cargo nextest run --locked --workspace --cargo-profile checked --run-ignored ignored-only \
		--no-fail-fast
	FUZZ_SECONDS=120 tests/fuzz/run.sh

# Not part of `make test`: the models change with the protocol, not with the code;
# and of what memcheck finds `make test` has the part that is quick.
verify: all $(COMPONENTS)/spiped-portable.cwasm
	@tests/model/verify.py
	@tests/constant-time/run.sh full

# Side by side with Debian's spiped, the newest one, stunnel and HAProxy,
# interleaved; takes about 15 minutes on a quiet machine. One figure of ours: make bench
# BENCH='--only memory --peers spiped-ours'. All choices: make bench BENCH=--help
bench: all
	@tests/run.sh peers
	@cargo run --quiet --locked --release --package spiped-tests --bin bench -- $(BENCH)

# Packets, key search and handshake in the production host; the same calls in
# every build. With the benchmarks of its package cargo builds the daemon, too, and
# with their dependencies' features: not over the real one.
bench-micro: all
	cargo bench --locked --target-dir target/benches --package spiped \
		--bench packets --bench key_search --bench handshake
	cargo bench --locked --package spiped-component-tests --bench builds
	@cargo run --quiet --locked --release --package spiped-subject --bin timing

# The portable component in other hosts, and what their programs carry, as a table.
# Fails below the figures that hold on an AMD EPYC with 2 cores: make bench-hosts
# BENCH=--floors
bench-hosts: all packed $(COMPONENTS)/spiped.wasm
	tests/hosts/node/setup.sh
	tests/hosts/python/setup.sh
	tests/hosts/c/setup.sh
	cargo build --locked --profile checked --workspace --bin bench-hosts --bin wasi
	@SPIPED_BIN_DIR=$(CURDIR)/target/release target/checked/bench-hosts $(BENCH)

# What the tables of options and commands decide in the manual pages, and the
# completions; `make test` checks that they are up to date.
manual: | equipped
	SPIPED_WRITE_MANUAL=1 cargo nextest run --locked --workspace --lib --cargo-profile checked \
		-E 'test(/_show_the_tables?_of_options$$/)'

# The rendered interface; `make check` sees to it that it is up to date.
wit-docs: $(TOOL)
	$(TOOL) document wit docs/interface.md

# Formatting, lints and documentation of every crate; requirements that code or
# tests leave out; claims of docs/security.md that nothing shows; manual pages;
# shell scripts where shellcheck is at hand; what the dependencies may be.
check: all
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --profile checked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' \
		cargo doc --locked --workspace --no-deps --document-private-items --profile checked
	tests/requirements.py
	tests/security.py
	tests/links.py
	@# groff ends well whatever it has to say, so nothing may be said.
	! groff -ww -mandoc -z host/man/*.[1-8] 2>&1 | grep .
	$(TOOL) document wit target/interface.md && cmp target/interface.md docs/interface.md
	! command -v shellcheck || shellcheck $(SCRIPTS)
	tests/deny.sh

# Not part of `make check`: it needs today's database of RustSec, and its answer
# changes without a change here.
audit:
	@tests/deny.sh advisories

# The same sources, built elsewhere, give the same component: docs/reproducible.md.
check-reproducible: $(COMPONENTS)/spiped-portable.wasm
	core-wasm/check-reproducible.sh

# Every fuzz target: its corpus, then FUZZ_SECONDS (5) of something new.
fuzz-smoke: all
	@# Of all targets, as `make check` does: whatever they depend on is checked by then.
	cargo clippy --locked --workspace --all-targets --features spiped-fuzz/libfuzzer \
		--profile checked -- --deny warnings
	tests/fuzz/run.sh

# The manager learns of the units and of their user by `systemd-sysusers` and
# `systemctl daemon-reload`.
install: all
	@DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' host/packaging/install.sh $(PROGRAMS)

deb dist image: staged
	@host/packaging/$@.sh $(VERSION)
	@host/packaging/checksums.sh

# The content that they share.
staged: all target/revision
	@host/packaging/stage.sh $(VERSION) $(PROGRAMS)

# Not by cargo, which may be missing.
clean:
	rm -rf target
