#!/bin/sh
# The parts of `make setup`.
# usage: setup.sh packages FILE | python VENV FILE | headers | link VENV BUILD
set -eu
cd "$(dirname "$0")/.."

# The Debian packages that FILE names, only those that are missing: where all are there, neither root nor a network is needed.
packages() {
    missing=""
    for package in $(cat "$1"); do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    # A compiler, a CMake or a Python from elsewhere is as good as Debian's.
    for pair in g++:g++ cmake:cmake ninja-build:ninja python3:python3.11; do
        if command -v "${pair#*:}" >/dev/null; then
            missing=$(printf '%s' "$missing" | tr ' ' '\n' | grep -vx "${pair%:*}" | tr '\n' ' ' || true)
        fi
    done
    [ -n "$(printf '%s' "$missing" | tr -d ' ')" ] || return 0
    echo "installing:$missing" >&2
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get -qq update
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
}

# The project's own Python environment, and in it what the FILE of requirements names.
python() {
    if [ ! -x "$1/bin/python" ]; then
        base=$(command -v python3.11 || command -v python3)
        "$base" -m venv "$1"
    fi
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
}

# Debian 12 has no package of ONNX Runtime's headers.
headers() {
    for dir in /usr/include/onnxruntime /usr/include/onnxruntime/core/session /usr/local/include/onnxruntime; do
        if [ -f "$dir/onnxruntime_c_api.h" ]; then return 0; fi
    done
    scripts/get_onnxruntime_headers.sh build/onnxruntime-headers
}

# Makes what was just built the environment's command and module.
link() {
    if [ -f "$2/calotype" ]; then
        # A hard link, not a symbolic one: the command looks for ONNX Runtime beside itself.
        ln -f "$2/calotype" "$1/bin/calotype" 2>/dev/null || cp "$2/calotype" "$1/bin/calotype"
    fi
    if [ -d "$2/python" ]; then
        site=$("$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
        echo "$PWD/$2/python" > "$site/calotype-build.pth"
    fi
}

action=${1:?usage: setup.sh packages FILE | python VENV FILE | headers | link VENV BUILD}
shift
"$action" "$@"
