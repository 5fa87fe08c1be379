#!/bin/sh
# A PostgreSQL for tests: private, on a Unix socket only, with nothing kept.
#   tools/test-postgres.sh run COMMAND…   starts one, runs the command with USIPIPO_TEST_DATABASE_URL, stops it whatever happens
#   tools/test-postgres.sh start          starts one that stays, for `cargo nextest run` by hand, and prints its URL
#   tools/test-postgres.sh url            prints that URL
#   tools/test-postgres.sh stop           stops it
# It writes without fsync, which makes tests several times faster; USIPIPO_TEST_POSTGRES=durable keeps fsync, for benchmarks.
. "$(dirname "$0")/lib.sh"

# PostgreSQL refuses to run as root, so root uses the user that Debian's package brings.
if is_root; then user=postgres; else user=$(id -un); fi
as_user() {
    if is_root; then
        setpriv --reuid="$user" --regid="$user" --clear-groups env HOME=/ "$@"
    else
        "$@"
    fi
}

find_binaries() {
    binaries=
    for initdb in $(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V) "$(command -v initdb || :)"; do
        # The newest of Debian's comes last; a PATH one counts only where there is none of Debian's.
        [ ! -x "$initdb" ] || [ -n "$binaries" -a "${initdb#/usr/lib/postgresql/}" = "$initdb" ] || binaries=${initdb%/*}
    done
    [ -n "$binaries" ] || die "PostgreSQL is not installed. 'tools/need.sh test' installs it (Debian's package 'postgresql')."
    id "$user" >/dev/null 2>&1 || die "there is no user '$user', which Debian's package postgresql makes, and root may not run PostgreSQL."
}

# A socket's path has at most 107 bytes.
fits() { [ ${#1} -le 80 ]; }
enters() { as_user test -x "$1" -a -r "$1" 2>/dev/null; }

# A new directory that $user can enter: under target/ if that is possible, else under /var/tmp. Its name holds the process
# that will clean up, so that a later run can tell what was left behind.
make_place() { # name
    mkdir -p "$target"
    place=$target/$1
    if ! enters "$target" || ! fits "$place"; then
        place=/var/tmp/usipipo-$(id -u)-$1
        [ -d /var/tmp ] || place=/tmp/usipipo-$(id -u)-$1
    fi
    rm -rf "$place"
    mkdir -m 700 "$place"
    ! is_root || chown "$user:" "$place"
}

server() { # pg_ctl's words
    (cd / && as_user "$binaries/pg_ctl" -s -D "$place/data" "$@") </dev/null >&2
}

start_server() {
    (
        cd /
        as_user "$binaries/initdb" -D "$place/data" -U "$user" --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync \
            >"$place.initdb" 2>&1 || { cat "$place.initdb" >&2; die "initdb failed; its words are above."; }
    )
    rm -f "$place.initdb"
    {
        echo "listen_addresses = ''"
        echo "unix_socket_directories = '$place'"
        # Tests clone a template for each database and kill processes that hold connections.
        echo "max_connections = 300"
        echo "shared_buffers = 256MB"
        echo "max_locks_per_transaction = 256"
        echo "max_wal_size = 4GB"
        echo "wal_level = minimal"
        echo "max_wal_senders = 0"
        echo "timezone = UTC"
        echo "log_line_prefix = '%m [%p] %d '"
        if [ "${USIPIPO_TEST_POSTGRES:-}" != durable ]; then
            echo "fsync = off"
            echo "synchronous_commit = off"
            echo "full_page_writes = off"
        fi
    } | as_user tee -a "$place/data/postgresql.conf" >/dev/null
    # A session of its own: Ctrl-C must reach the tests first and the database last.
    if ! (cd / && as_user setsid -w "$binaries/pg_ctl" -s -w -t 60 -D "$place/data" -l "$place/log" start) </dev/null >&2; then
        [ ! -r "$place/log" ] || tail -n 20 "$place/log" >&2
        die "the test PostgreSQL does not start; its words are above."
    fi
    url="postgres:///postgres?host=$place&user=$user"
}

stop_server() {
    [ ! -e "$place/data/postmaster.pid" ] || server -m immediate -w -t 30 stop || say "warning: the test PostgreSQL in $place does not stop."
    rm -rf "$place"
}

# What runs left behind that were killed before they could clean up.
clean_up_after_others() {
    for place in "$target"/pg-* /var/tmp/usipipo-"$(id -u)"-pg-* /tmp/usipipo-"$(id -u)"-pg-*; do
        owner=${place##*pg-}
        case $owner in *[!0-9]* | '') continue ;; esac
        [ -d "$place" ] || continue
        kill -0 "$owner" 2>/dev/null || stop_server
    done
}

find_binaries
case ${1:-} in
run)
    shift
    [ $# -gt 0 ] || die "usage: tools/test-postgres.sh run COMMAND…"
    clean_up_after_others
    make_place "pg-$$"
    # The command gets a terminal's Ctrl-C by itself; this script waits for it and cleans up.
    trap 'stop_server' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start_server
    status=0
    USIPIPO_TEST_DATABASE_URL=$url "$@" || status=$?
    exit "$status"
    ;;
start)
    make_here=$target/test-postgres
    if [ -e "$make_here" ] && place=$(cat "$make_here") && server status >/dev/null 2>&1; then
        cat "$make_here.url"
        exit 0
    fi
    make_place "pg-kept"
    start_server
    echo "$place" >"$make_here"
    echo "$url" | tee "$make_here.url"
    ;;
url)
    [ -e "$target/test-postgres.url" ] || die "no test PostgreSQL is kept running; 'tools/test-postgres.sh start' starts one."
    cat "$target/test-postgres.url"
    ;;
stop)
    [ -e "$target/test-postgres" ] || exit 0
    place=$(cat "$target/test-postgres")
    stop_server
    rm -f "$target/test-postgres" "$target/test-postgres.url"
    ;;
*) die "usage: tools/test-postgres.sh run COMMAND… | start | url | stop" ;;
esac
