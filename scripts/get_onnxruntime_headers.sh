#!/bin/sh
# Fetches the headers of ONNX Runtime's C API into DIR: Debian 12 has no package of them, Debian 13 has.
# usage: get_onnxruntime_headers.sh DIR [SUITE]
set -eu
dir=${1:?usage: get_onnxruntime_headers.sh DIR [SUITE]}
suite=${2:-trixie}
[ -f "$dir/usr/include/onnxruntime/onnxruntime_c_api.h" ] && exit 0
mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
dir=$(cd "$dir" && pwd)
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/debian.sources 2>/dev/null | head -n1)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) { print $i; exit } }' /etc/apt/sources.list)
printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$mirror" "$suite" > "$dir/sources.list"
set -- -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$dir/lists" \
    -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root
apt-get "$@" -qq update
cd "$dir"
apt-get "$@" -qq download libonnxruntime-dev
dpkg -x libonnxruntime-dev_*.deb .
rm -rf lists cache libonnxruntime-dev_*.deb
