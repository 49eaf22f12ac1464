# Tasks of the house; `just --list`. Everything also works by the plain commands inside.

# Formatting, lints, banned dependencies, documentation.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo deny check
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# All tests, with what they need installed.
test:
    bash tests/run.sh

# The reproducible benchmark.
bench:
    cargo run --release -- bench

# The whole scene on one machine.
demo:
    cargo run --release -- demo --exit
