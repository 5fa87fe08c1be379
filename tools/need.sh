#!/bin/sh
# Installs what is missing on a bare Debian machine, says what and why, and asks nothing. It starts no service.
#   tools/need.sh build    what it takes to compile: cargo, a C compiler
#   tools/need.sh demo     that and PostgreSQL
#   tools/need.sh test     that, and Python's venv for a test with a Telegram client of other hands
. "$(dirname "$0")/lib.sh"

missing=
need() { # package, why
    say "Installing $1: $2."
    missing="$missing $1"
}

need_cargo() {
    have cargo || PATH=$PATH:$HOME/.cargo/bin
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$root/Cargo.toml")
    have cargo || die "there is no Rust toolchain here. Get $wanted or newer from https://rustup.rs, then try again."
    found=$(rustc --version | cut -d' ' -f2)
    newest=$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | tail -n 1)
    [ "$newest" = "$found" ] || die "Rust $found is too old, $wanted or newer is needed. 'rustup update' brings it."
}

need_build() {
    need_cargo
    have cc || need gcc "some crates contain C"
    [ -e /usr/include/stdio.h ] || need libc6-dev "the C library's headers, for the same crates"
}

postgres_here() {
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        [ ! -x "$initdb" ] || return 0
    done
    have initdb
}

need_postgres() {
    postgres_here || need postgresql "the database. The program runs a private one; no cluster and no service of Debian's is started"
}

need_python() {
    python3 -c 'import venv, ensurepip' 2>/dev/null ||
        need python3-venv "tests drive the simulated Telegram with python-telegram-bot, in an environment under target/"
}

# Debian's package makes a cluster and starts it when it is installed; not with this file, which is written only where
# PostgreSQL is new and nobody can have wanted otherwise.
no_default_cluster() {
    conf=/etc/postgresql-common/createcluster.d/usipipo.conf
    say "Writing $conf, so that PostgreSQL's package makes no cluster by itself."
    reason="that file must be written"
    as_root mkdir -p "${conf%/*}"
    printf '%s\n' "# uSipipo runs PostgreSQL by itself. Delete this file if you want Debian's default clusters." \
        "create_main_cluster = false" | as_root tee "$conf" >/dev/null
}

# Debian asks this program whether a package may start its service.
policy=/usr/sbin/policy-rc.d
policy_written=no
forbid_services() {
    [ ! -e "$policy" ] || return 0
    reason="services must be kept from starting"
    policy_written=yes
    printf '#!/bin/sh\n# For the time of an installation by uSipipo.\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
}
allow_services() {
    [ "$policy_written" = no ] || as_root rm -f "$policy"
    policy_written=no
}

install_missing() {
    [ -n "$missing" ] || return 0
    have apt-get || die "missing here:$missing (Debian's names), and there is no apt-get. Install them and try again."
    fetch_lists
    trap allow_services EXIT
    trap 'exit 130' INT TERM
    case " $missing " in *" postgresql "*) no_default_cluster ;; esac
    forbid_services
    # shellcheck disable=SC2086 # several packages
    apt_install $missing || {
        # The lists may name versions that the archive has replaced.
        fetch_lists always
        apt_install $missing || die "apt-get could not install:$missing. Its words are above."
    }
    allow_services
}
apt_install() {
    reason="Debian packages must be installed"
    mkdir -p "$target"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" \
        >"$target/apt.log" 2>&1 </dev/null || { tail -n 20 "$target/apt.log" >&2; return 1; }
}

case ${1:-} in
build) need_build ;;
demo) need_build; need_postgres ;;
test) need_build; need_postgres; need_python ;;
*) die "usage: tools/need.sh build|demo|test" ;;
esac
install_missing
