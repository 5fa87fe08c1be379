#!/bin/sh
# Puts the programs that only tests need into target/tools/bin. What the system has is linked; the rest is unpacked from
# Debian's packages into target/tools/root and never installed, so no service of theirs can start. USIPIPO_TOOLS_DIR
# names target/tools for the tests.
. "$(dirname "$0")/lib.sh"

# program:package
wanted="prometheus:prometheus promtool:prometheus wireguard-go:wireguard-go wg:wireguard-tools wg-quick:wireguard-tools
    nft:nftables ip:iproute2 ping:iputils-ping ss-server:shadowsocks-libev ss-local:shadowsocks-libev openssl:openssl"
unpacked=$tools/root
bin=$tools/bin

program_in_root() {
    for place in usr/bin usr/sbin bin sbin; do
        if [ -x "$unpacked/$place/$1" ] && [ ! -d "$unpacked/$place/$1" ]; then
            echo "$unpacked/$place/$1"
            return 0
        fi
    done
    return 1
}

# Our own links don't count as the system's.
program_on_system() {
    old=$PATH
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    command -v "$1" || { PATH=$old; return 1; }
    PATH=$old
}

# Libraries that a package needs and the system has not, all the way down.
libraries_of() {
    apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances "$1" |
        sed -n 's/^\(lib[a-z0-9.+-]*\)$/\1/p' | sort -u | while read -r library; do
        case $library in
        libjs-* | libc6 | libgcc-s1 | libcrypt1) ;;
        *) installed "$library" || echo "$library" ;;
        esac
    done
}

unpack() { # packages
    mkdir -p "$tools/download" "$unpacked"
    (
        cd "$tools/download"
        # As root, apt would become a user who cannot write here, and warn.
        fetch() { apt-get download -qq -o APT::Sandbox::User=root "$@" >&2; }
        # The lists may be missing, or name versions that the archive has replaced.
        fetch "$@" || { fetch_lists always; fetch "$@"; } || die "apt-get could not download: $*. Its words are above."
        for archive in ./*.deb; do
            dpkg-deb -x "$archive" "$unpacked"
            rm -f "$archive"
        done
    )
}

# A script of the same name that lets the program find its libraries, if it has any that the system lacks.
wrap() { # name, program
    if ldd "$2" 2>/dev/null | grep -q 'not found'; then
        libraries=$(find "$unpacked" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')
        lost=$(LD_LIBRARY_PATH=$libraries ldd "$2" | sed -n 's/^[[:space:]]*\(.*\) => not found/\1/p' | tr '\n' ' ')
        [ -z "$lost" ] || die "$1 lacks libraries: $lost"
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s$LD_LIBRARY_PATH exec %s "$@"\n' "$libraries" "$2" >"$bin/$1.new"
        chmod 755 "$bin/$1.new"
        mv "$bin/$1.new" "$bin/$1"
    else
        ln -s "$2" "$bin/$1"
    fi
}

mkdir -p "$bin"
# Two runs at once must not unpack over each other.
exec 9>"$tools/lock"
flock 9

# The scripts hold full paths: a moved folder and a longer list begin anew.
stamp="$unpacked $wanted"
if [ "$(cat "$tools/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -rf "$unpacked" "$bin"
    mkdir -p "$bin"
    printf '%s\n' "$stamp" >"$tools/stamp"
fi
# Whoever looks where Debian puts programs finds them too.
[ -e "$tools/usr" ] || { mkdir "$tools/usr" && ln -s ../bin "$tools/usr/bin" && ln -s ../bin "$tools/usr/sbin"; }
[ -e "$tools/sbin" ] || ln -s bin "$tools/sbin"

packages=
for pair in $wanted; do
    program=${pair%%:*}
    [ ! -x "$bin/$program" ] || continue
    rm -f "$bin/$program"
    if system=$(program_on_system "$program"); then
        ln -s "$system" "$bin/$program"
    elif ! program_in_root "$program" >/dev/null; then
        case " $packages " in *" ${pair##*:} "*) ;; *) packages="$packages ${pair##*:}" ;; esac
    fi
done

if [ -n "$packages" ]; then
    have apt-get && have dpkg-deb || die "tests need$packages (Debian's names), and this is no Debian. Install them and try again."
    say "Unpacking for the tests, into target/tools:$packages. Nothing of it is installed."
    fetch_lists
    all=$packages
    for package in $packages; do
        for library in $(libraries_of "$package"); do
            case " $all " in *" $library "*) ;; *) all="$all $library" ;; esac
        done
    done
    # shellcheck disable=SC2086 # several packages
    unpack $all
fi

for pair in $wanted; do
    program=${pair%%:*}
    [ ! -x "$bin/$program" ] || continue
    path=$(program_in_root "$program") || die "package ${pair##*:} has no program '$program'."
    wrap "$program" "$path"
done
echo "$tools"
