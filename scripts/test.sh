#!/usr/bin/env bash
# Builds and runs every test; ends with 'N passed, N failed, N skipped'. Called by ./build.sh test.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh
. scripts/lib/build.sh

results=$root/out/test-results
rm -rf "$results"
mkdir -p "$results" out/log
status=0

say() { printf '\n== %s (%s)\n' "$1" "$(date +%T)"; }

# check NAME COMMAND...: runs a check; its failure fails the run and is told again, with the end of what it said, in the
# summary, for a reader who sees the end of the output only.
failed_checks=()
check() {
  local name=$1 code=0 log=out/log/check.log
  shift
  say "$name"
  "$@" 2>&1 | tee "$log" || code=$?
  [ "$code" -eq 0 ] || {
    echo "FAILED: $name (exit code $code)"
    mv "$log" "out/log/failed-${#failed_checks[@]}.log"
    failed_checks+=("$name (exit code $code)")
    status=1
  }
}

say "Setting up"
ensure_packages build
ensure_packages test
ensure_dotnet

# Into the folder of the tests that run it; the registry is whichever npm is set up for.
install_npm_packages() { (cd tests/Moesaic.Clients.Tests/node && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund --loglevel=error; }); }
check "Installing the openai package of npm" install_npm_packages

say "Building the native library and its tests"
build_native release
check "Native tests" scripts/native-tests.sh release "$results"
say "Building under AddressSanitizer and UndefinedBehaviorSanitizer"
build_native asan
check "Native tests under AddressSanitizer and UndefinedBehaviorSanitizer" scripts/native-tests.sh asan "$results"
say "Building under ThreadSanitizer"
build_native tsan moesaic_native_tests
check "Thread tests under ThreadSanitizer" scripts/native-tests.sh tsan "$results"

# Machines without AVX-512 check its kernels by emulated instructions.
if ! grep -qw avx512_bf16 /proc/cpuinfo; then
  say "Building with emulated AVX-512"
  build_native emulate moesaic_op_tests
  check "Op tests with emulated AVX-512" scripts/native-tests.sh emulate "$results"
fi

# No GPU needed; without a toolkit on the machine one is assembled first.
check "CUDA kernels compile within their register budgets" scripts/check-cuda-kernels.sh
check "CUDA op tests build for a device" scripts/gpu-check.sh build

say "Building the managed side, warnings as errors"
"$dotnet" build Moesaic.slnx -c Release --nologo -v quiet
check "Generated bindings are current" "$dotnet" run --project bindings/Moesaic.Bindings.Generator -c Release --no-build -- --check
say "Building the program"
build_program
# One project at a time, since some tests measure time. A test that hangs is named and ended, with its project, instead of
# taking the whole run's time.
check "Managed tests" "$dotnet" test Moesaic.slnx -m:1 -c Release --no-build --nologo -v quiet --logger "trx" --results-directory "$results/managed" \
  --blame-hang-timeout 15min --blame-hang-dump-type none

check "Performance gate" scripts/perf-gate.sh
check "Performance gate notices kernels that run twice" scripts/perf-gate.sh --prove --only q4_

check "Trimmed, self-contained publish" scripts/publish.sh
check "Packages, and a sample that is built from them" scripts/sample.sh

say "Summary"
"$dotnet" run --project tests/Moesaic.TestSummary -c Release --no-build -- "$results" tests/allowed-skips.txt >out/log/summary.txt || status=1
for i in "${!failed_checks[@]}"; do
  echo "FAILED: ${failed_checks[$i]}; the end of what it said:"
  grep -v -e 'Skipped$' -e '^instruction set not on this machine' "out/log/failed-$i.log" | tail -n 30
done
[ "$status" -eq 0 ] || echo "The run failed."
cat out/log/summary.txt
exit "$status"
