#!/usr/bin/env bash
# Runs the native test programs of one CMake preset and sums their results.
# usage: native-tests.sh PRESET [RESULTS_FOLDER]
# Results go to RESULTS_FOLDER/native-PRESET-PROGRAM-SHARE.xml. Ends with the reasons of skips and the line
# 'N passed, N failed, N skipped'; fails when a test failed, a program died or nothing ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ $# -ge 1 ] || { echo "usage: native-tests.sh PRESET [RESULTS_FOLDER]" >&2; exit 2; }
preset=$1
results=${2:-$PWD/out/test-results}
mkdir -p "$results"
rm -f "$results"/native-"$preset"-*
status=0

# Emulated instructions matter to the ops alone. ThreadSanitizer's subject is the thread pool and what else the native
# tests run on several threads; under it the op tests would take longer than everything else together.
programs="moesaic_native_tests moesaic_op_tests"
filter='*'
case "$preset" in
  # What the shared library exports is the shipped build's business; a sanitized one takes minutes to take apart.
  asan) filter='-Exports.*' ;;
  # Levels that need no emulation are the release preset's.
  emulate) programs=moesaic_op_tests filter='-*/portable:*/avx2' ;;
  tsan) programs=moesaic_native_tests ;;
esac
export TSAN_OPTIONS="halt_on_error=1 ${TSAN_OPTIONS:-}"
# Refusals of impossible sizes are tested, so the allocator must answer NULL as the real one does.
export ASAN_OPTIONS="detect_stack_use_after_return=1 allocator_may_return_null=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"

# run_program PROGRAM: in as many shares at a time as there are processors, since most of an op test's time is the plain
# reference on one thread; the native tests, which also test times and what the process holds, run alone.
run_program() {
  local program=$1 binary=out/native/$preset/$1 shards=1 shard code pids=()
  [ -x "$binary" ] || { echo "$binary is not there: cmake --preset $preset && cmake --build --preset $preset" >&2; exit 1; }
  [ "$program" != moesaic_op_tests ] || shards=$(nproc)
  for ((shard = 0; shard < shards; shard++)); do
    local name=native-$preset-$program-$shard
    # The programs take minutes; one that hangs must not take the whole run's time.
    GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard timeout --kill-after=30 "${NATIVE_TEST_LIMIT:-2700}" "$binary" --gtest_brief=1 \
      --gtest_color=no --gtest_filter="$filter" --gtest_output="xml:$results/$name.xml" >"$results/$name.log" 2>&1 &
    pids+=($!)
  done
  for ((shard = 0; shard < shards; shard++)); do
    code=0
    wait "${pids[$shard]}" || code=$?
    [ "$code" -eq 0 ] || {
      status=1
      [ "$code" -ne 124 ] || echo "$program ($preset) did not end in time and was ended"
      echo "$program ($preset, share $shard of $shards) ended with status $code; the end of its output:"
      grep -v -e 'SKIPPED' -e '^instruction set' -e 'Skipped$' "$results/native-$preset-$program-$shard.log" | tail -n 40
    }
  done
}

for program in $programs; do
  run_program "$program"
done

count() { cat "$results"/native-"$preset"-*.xml 2>/dev/null | grep -c "$1" || true; }
total=$(count '<testcase ')
skipped=$(count '<testcase [^>]*result="skipped"')
failed=$(cat "$results"/native-"$preset"-*.xml 2>/dev/null | awk '/<testcase /{in_case=1} /<failure/&&in_case{n++; in_case=0} END{print n+0}')
passed=$((total - skipped - failed))
if [ "$skipped" -gt 0 ]; then
  echo "skipped, by reason:"
  cat "$results"/native-"$preset"-*.xml | sed -n 's/.*<skipped message="[^"]*&#x0A;\([^"]*\)".*/  \1/p' | sort | uniq -c
fi
[ "$passed" -gt 0 ] || { echo "no native test passed"; status=1; }
echo "$passed passed, $failed failed, $skipped skipped"
exit "$status"
