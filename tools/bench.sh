#!/bin/sh
# Measures against a PostgreSQL that keeps its promises (fsync on); a name such as B3 runs one measurement, B10 is the soak.
. "$(dirname "$0")/lib.sh"

"$root/tools/need.sh" test
have cargo || PATH=$PATH:$HOME/.cargo/bin
cd "$root"
USIPIPO_TOOLS_DIR=$("$root/tools/unpack.sh")
PATH=$USIPIPO_TOOLS_DIR/bin:$PATH
USIPIPO_TEST_POSTGRES=durable
export USIPIPO_TOOLS_DIR PATH USIPIPO_TEST_POSTGRES

# Actors are made to panic; drawing a backtrace takes longer than starting them anew.
RUST_BACKTRACE=0
export RUST_BACKTRACE

# The programs that are measured are those that are shipped.
cargo build --locked --release -p usipipo -p usipipo-sandbox
cargo bench --locked -p usipipo --bench figures --no-run
exec "$root/tools/test-postgres.sh" run cargo bench --locked -p usipipo --bench figures -- "$@"
