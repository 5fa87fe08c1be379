#!/bin/sh
# What can be told without running the program, quickest first.
#   tools/check.sh                 all of it
#   tools/check.sh rules           Prometheus' configuration, alert rules and their tests
#   tools/check.sh deny            cargo deny; with DENY_ADVISORIES=1 also known holes, whose table is fetched from GitHub
#   tools/check.sh deny-install    builds cargo-deny under target/tools
. "$(dirname "$0")/lib.sh"
have cargo || PATH=$PATH:$HOME/.cargo/bin
cd "$root"
# Compiled without optimisation, in a third of the time; it runs for seconds either way.
deny_version=0.20.2

rules() {
    promtool=$("$root/tools/unpack.sh")/bin/promtool
    "$promtool" check config --syntax-only prometheus/prometheus.yml
    "$promtool" check rules --lint=all --lint-fatal prometheus/rules/*.yml
    # shellcheck disable=SC2046 # one argument a file
    "$promtool" test rules prometheus/tests/*.yml
}

shell() {
    for script in tools/*.sh sandbox/tools/*.sh .ci/run; do
        sh -n "$script"
    done
}

find_deny() {
    PATH=$tools/cargo/bin:$PATH
    have cargo-deny
}

deny() {
    cargo deny --locked check --hide-inclusion-graph bans licenses sources
    [ -z "${DENY_ADVISORIES:-}" ] || cargo deny --locked check --hide-inclusion-graph advisories
}

deny_install() {
    find_deny || CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$tools/cargo/target \
        cargo install --debug --locked --root "$tools/cargo" "cargo-deny@$deny_version"
    rm -rf "$tools/cargo/target"
}

case ${1:-all} in
rules) rules ;;
deny)
    find_deny || die "cargo-deny is not here. 'make deny-install' builds it under target/tools in some minutes."
    deny
    ;;
deny-install) deny_install ;;
all)
    "$root/tools/need.sh" build
    say "== format"
    cargo fmt --all --check
    say "== scripts"
    shell
    say "== alert rules"
    rules
    say "== licences and sources of crates"
    if find_deny; then deny; else say "SKIPPED: cargo-deny is not here; 'make deny-install' builds it."; fi
    say "== clippy"
    cargo clippy --locked --workspace --all-targets -- -D warnings
    say "== docs"
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items
    say "All checks passed."
    ;;
*) die "usage: tools/check.sh [rules | deny | deny-install]" ;;
esac
