#!/bin/sh
# Runs one fuzz target for $FUZZ_SECONDS (a minute). What it learns stays in BUILD/corpus for the next time; an input that
# breaks it is kept in BUILD/findings, and the target run on that file alone shows it again.
# usage: fuzz.sh TARGET BUILD
set -u
target=$1
build=$2
mkdir -p "$build/findings"
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
# An input has at most 64 KiB, and may neither take 30 s nor ask for 64 MiB at once: that is what a hostile file does. A
# picture may be one colour all over: 2^24 pixels of it are 201 MB.
malloc_mb=64
[ "$target" != samples ] || malloc_mb=256
# Of what a run prints, what it found must be seen: no line for each new input.
exec "$build/tests/fuzz/fuzz_$target" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=30 -max_len=65536 \
    -malloc_limit_mb="$malloc_mb" -rss_limit_mb=2048 -artifact_prefix="$build/findings/$target-" -print_final_stats=1 -verbosity=0 \
    "$build/corpus/$target"
