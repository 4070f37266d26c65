#!/bin/sh
# Runs every test and closes with their number; fails if one failed or if a runner broke off.
# usage: test.sh VENV BUILD
set -u
venv=$1
build=$2
mkdir -p "$build/results"
rm -f "$build"/results/*.xml
if [ -z "${CALOTYPE_DATA:-}" ] && [ ! -d ../shared/data ]; then
    echo "no ../shared/data and no CALOTYPE_DATA: the tests that need real networks will be skipped"
fi
ctest --test-dir "$build" -j "$(nproc)" --output-on-failure --progress --output-junit "$PWD/$build/results/ctest.xml"
ctest_status=$?
# A minute of each fuzz target: $FUZZ_SECONDS changes that.
ctest --test-dir build/fuzz -j "$(nproc)" --output-on-failure --output-junit "$PWD/$build/results/fuzz.xml"
fuzz_status=$?
CALOTYPE_COMMAND="$PWD/$venv/bin/calotype" "$venv/bin/python" -m pytest -q tests -n "$(nproc)" --maxprocesses 8 --dist worksteal \
    --junitxml="$build/results/pytest.xml"
pytest_status=$?
"$venv/bin/python" scripts/count_tests.py "$build/results" "$ctest_status" "$fuzz_status" "$pytest_status"
