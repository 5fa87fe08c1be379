#!/bin/sh
# Makes target/py-mtprotoproxy, a virtual environment with what requirements.txt names, unless it is there already; prints
# its python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
venv=${CARGO_TARGET_DIR:-$root/target}/py-mtprotoproxy
stamp=$venv/requirements.txt
mkdir -p "$(dirname "$venv")"
# Two tests may want it at once.
exec 9>"$venv.lock"
flock 9
if ! cmp -s "$here/requirements.txt" "$stamp" 2>/dev/null; then
    # Made beside and renamed would break the paths inside, so an unfinished one is made anew.
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt" >&2
    cp "$here/requirements.txt" "$stamp"
fi
echo "$venv/bin/python"
