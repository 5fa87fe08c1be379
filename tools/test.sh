#!/bin/sh
# Runs every test of the workspace, against a private PostgreSQL; words given run only the tests whose names hold them.
. "$(dirname "$0")/lib.sh"

"$root/tools/need.sh" test
have cargo || PATH=$PATH:$HOME/.cargo/bin
cd "$root"
USIPIPO_TOOLS_DIR=$("$root/tools/unpack.sh")
PATH=$USIPIPO_TOOLS_DIR/bin:$PATH
export USIPIPO_TOOLS_DIR PATH

# Quick, so first.
[ $# -gt 0 ] || "$root/tools/check.sh" rules

# Compiled before the database starts, so that a mistake is told at once.
if cargo nextest --version >/dev/null 2>&1; then
    profile=default
    [ -z "${CI:-}" ] || profile=ci
    set -- nextest run --locked --workspace --profile "$profile" --no-tests=fail "$@"
    cargo nextest run --locked --workspace --no-run
else
    say "(cargo-nextest is not here; cargo test does the same, with less to read.)"
    set -- test --locked --workspace --lib --bins --tests --no-fail-fast -- "$@"
    cargo test --locked --workspace --lib --bins --tests --no-run
fi
# Some tests start the programs as processes of their own.
exec "$root/tools/test-postgres.sh" run cargo "$@"
