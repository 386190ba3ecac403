# Tasks; `just` lists them. Each is one command, so nothing here needs `just` itself.

_default:
    @just --list

# Serve a busy console in memory, to be opened in a browser without a login.
demo:
    cargo run -- demo

# Serve the API on 127.0.0.1:8080, in memory.
serve:
    cargo run

# Set everything up and run all tests; `just test --long` adds the long tiers.
test *ARGUMENTS:
    scripts/test {{ARGUMENTS}}

# Run all that CI runs before a change lands.
ci:
    .ci/run

# Rewrite the snapshots, to be read with `git diff '*.snap'`.
snapshots:
    INSTA_UPDATE=always cargo test -p incident-tests -p incident-pagers --all-features

# Check the published crates with each choice of features, and count the crates that each costs.
features:
    scripts/features

# Package the published crates, and build and run a host from the packages alone.
packages:
    scripts/packages

# Check the published crates with the oldest toolchains that they promise (rustup).
msrv:
    scripts/msrv

# Compare public items with the newest release (network).
semver:
    scripts/semver

# Send requests made from the OpenAPI document to a console in memory (Python; network for the first run).
schemathesis:
    scripts/schemathesis

# Take pictures of all pages in all states into target/pictures (Chromium); words choose some, `--keep` those of the README.
pictures *ARGUMENTS:
    scripts/pictures {{ARGUMENTS}}

# Generate a client from the OpenAPI document, and use it (Python; network for the first run).
generated-client:
    scripts/generated-client

# Run each fuzz target for some seconds (nightly toolchain, cargo-fuzz).
fuzz SECONDS="60":
    scripts/fuzz {{SECONDS}}

# Run one bench, such as `just bench credits`; CONTRIBUTING.md lists them.
bench NAME:
    cargo bench -p incident-benches --bench {{NAME}}

# Open the documentation of all crates.
docs:
    cargo doc --workspace --all-features --no-deps --open
