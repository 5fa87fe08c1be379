#!/bin/sh
# Takes a picture of the web chat as it is now: tools/shot.sh FILE.png [people=1001,1000] [theme=dark] [lang=en]
# Environment: URL (http://127.0.0.1:8081), SIZE (1280,800), SCALE (1; 2 for twice as many points).
set -eu
file=$1
shift
query=still=1
for part in "$@"; do query="$query&$part"; done
for browser in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$browser" >/dev/null; then break; fi
    browser=
done
if [ -z "$browser" ]; then
    echo "no browser: apt-get install chromium" >&2
    exit 1
fi
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
"$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --virtual-time-budget=10000 --user-data-dir="$profile" \
    --force-device-scale-factor="${SCALE:-1}" --window-size="${SIZE:-1280,800}" --screenshot="$file" \
    "${URL:-http://127.0.0.1:8081}/?$query" 2>/dev/null
test -s "$file"
