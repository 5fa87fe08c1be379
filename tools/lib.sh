# Shared by the scripts beside it; to be sourced. POSIX sh, as Debian's dash reads it.
# shellcheck shell=sh

set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
case $target in /*) ;; *) target=$root/$target ;; esac
tools=$target/tools
# Where administrators' programs are; not in everybody's PATH.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }
# Whether a Debian package is installed.
installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Runs a command as root; $reason tells why, should it not be possible.
as_root() {
    if is_root; then
        "$@"
    elif have sudo; then
        say "(needs root, so this asks sudo: $*)"
        sudo "$@"
    else
        die "$reason, which takes root. There is no sudo here: run '$*' as root, then try again."
    fi
}

# Fetches Debian's package lists, at most once; $1 = "always" even if there are some.
lists_fetched=no
fetch_lists() {
    [ "$lists_fetched" = no ] || return 0
    if [ "${1:-}" != always ]; then
        for list in /var/lib/apt/lists/*_Packages*; do
            [ ! -e "$list" ] || return 0
        done
    fi
    say "Fetching Debian's package lists (apt-get update)."
    # A broken list of somebody else's archive is no reason to stop; a package that is really missing is.
    reason="Debian's package lists must be fetched"
    as_root apt-get update -qq >&2 || say "warning: apt-get update complained; going on with what it got."
    lists_fetched=yes
}
