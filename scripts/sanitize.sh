#!/bin/sh
# The tests under the sanitizers: all that is native under those of addresses, leaks and undefined behaviour (build/debug),
# then what has several threads under that of threads (build/tsan). Fails if a test failed, if a runner broke off, or if a
# sanitizer had something to say, whatever the test made of it. What is skipped is listed with its cause.
# usage: sanitize.sh VENV
set -u
cd "$(dirname "$0")/.."
export VIRTUAL_ENV="$PWD/$1"  # where the command finds ONNX Runtime
REPORT=99                     # the exit code of a process with a report, which no test takes for another
failures=0

# The tests of one build. usage: check SANITIZER BUILD LIBRARY ROOMS FOLDER...
check() {
    export CALOTYPE_SANITIZER="$1"
    build=$PWD/$2 library=$3 rooms=$4
    shift 4
    results=$build/results
    rm -rf "$results"
    mkdir -p "$results" "$build/reports"
    rm -f "$build"/reports/*
    # A report is a file too, as a test may swallow what a process says. The other sanitizer of the same process, that of
    # undefined behaviour, knows stderr alone: there the exit code must do, and Python's own stderr stays what it is.
    common="log_path=$build/reports/$CALOTYPE_SANITIZER:exitcode=$REPORT:halt_on_error=1"
    export ASAN_OPTIONS="$common:detect_stack_use_after_return=1:allocator_may_return_null=1"
    export UBSAN_OPTIONS="exitcode=$REPORT:halt_on_error=1:print_stacktrace=1"
    export TSAN_OPTIONS="$common:suppressions=$PWD/tests/sanitizers/threads.txt"
    ctest --test-dir "$build" -R "$rooms" -j "$(nproc)" --output-on-failure --output-junit "$results/ctest.xml"
    ctest_status=$?

    # Python is not built with a sanitizer, so the library is loaded before it, and leaks for a living; the command does not.
    cat >"$build/sanitized" <<END
#!/bin/sh
unset LD_PRELOAD
ASAN_OPTIONS=\$ASAN_OPTIONS:detect_leaks=1 exec "$build/calotype" "\$@"
END
    chmod +x "$build/sanitized"
    env LD_PRELOAD="$(g++ -print-file-name="$library") $(g++ -print-file-name=libstdc++.so)" \
        ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0" PYTHONPATH="$build/python" CALOTYPE_COMMAND="$build/sanitized" \
        "$VIRTUAL_ENV/bin/python" -m pytest -q --capture=sys --junitxml="$results/pytest.xml" "$@"
    pytest_status=$?

    "$VIRTUAL_ENV/bin/python" scripts/count_tests.py "$results" "$ctest_status" "$pytest_status" || failures=1
    for report in "$build"/reports/*; do
        [ -f "$report" ] || continue
        failures=1
        echo "reported: $report"
        head -n 40 "$report"
    done
}

check address build/debug libasan.so . tests/cli tests/python tests/graphs tests/oracle
# The rooms with threads of their own, and what compiles and runs with as many threads as there are processors.
check thread build/tsan libtsan.so '^(base|emulate|execute|observe|quantize|runtime|samples)/' tests/cli tests/python
exit $failures
