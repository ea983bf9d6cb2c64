# Targets only call cargo and scripts; `make demo` and `make test` are the two commands to start with.
PREFIX ?= /usr/local

all: setup-build
	cargo build --release --locked

demo: all
	cargo run -q --release --locked -p gateway-lab --bin demo -- target/release/gateway

test: setup-test
	cargo build -q --locked --bins
	cargo test -q --locked --workspace --no-fail-fast

check: setup-test
	scripts/check

bench: all
	cargo bench -q --locked -p gateway-lab --features rival

install: all
	install -D -m 0755 target/release/gateway $(DESTDIR)$(PREFIX)/sbin/gateway

clean:
	cargo clean

setup-build:
	@scripts/setup build

setup-test:
	@scripts/setup test

.PHONY: all demo test check bench install clean setup-build setup-test
