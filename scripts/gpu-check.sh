#!/usr/bin/env bash
# Everything that needs a GPU, in stages that fit into a few minutes each; run them in one call or in several.
# usage: gpu-check.sh [--output FOLDER] [--program FILE] STAGE...
#   build     libmoesaic_cuda.so and the op tests for a device (needs a CUDA toolkit and GoogleTest, no GPU)
#   ops       the op tests on the device (needs a driver; no toolkit when FILE was brought along)
#   sanitize  the same under compute-sanitizer's memcheck, racecheck and synccheck, or one of them: sanitize:memcheck
#   kernels   times each kernel against the machine's limits
#   engine    runs the engine end to end
#   all       every stage above, in this order
# Each stage that ran adds a row to FOLDER/gpu-check.md and an object to FOLDER/gpu-check.json (default out/gpu-check).
# --program: the op-test program (default out/native/cuda/moesaic_cuda_op_tests).
# A run of the tests that takes more than STAGE_LIMIT seconds (default 460) is ended and has failed.
# Exit code: 0 when all stages passed, 1 when one failed, 2 for bad usage, 3 when one could not run here.
set -euo pipefail
start=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
output=out/gpu-check
program=out/native/cuda/moesaic_cuda_op_tests
stages=()
usage() { cd scripts && sed -n '2,/^set -e/{/^set -e/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]##*/}" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case "$1" in
    --output | --program)
      [ $# -ge 2 ] || { echo "gpu-check.sh: $1 needs a value" >&2; exit 2; }
      case "$2" in /*) file=$2 ;; *) file=$start/$2 ;; esac
      if [ "$1" = --output ]; then output=$file; else program=$file; fi
      shift
      ;;
    build | ops | kernels | engine | sanitize | sanitize:memcheck | sanitize:racecheck | sanitize:synccheck) stages+=("$1") ;;
    all) stages+=(build ops sanitize kernels engine) ;;
    *) [ "$1" = --help ] || echo "gpu-check.sh: '$1' is no stage" >&2; usage ;;
  esac
  shift
done
[ ${#stages[@]} -gt 0 ] || usage
mkdir -p "$output"
table=$output/gpu-check.md
json=$output/gpu-check.json
log=$output/stage.log

# refuse STAGE REASON: the stage cannot run here; nothing is recorded, since nothing was checked.
code=0
refuse() { echo "gpu-check.sh $1: not run: $2" >&2; [ "$code" -eq 1 ] || code=3; }

quoted() { local text=${1//\\/\\\\}; text=${text//\"/\\\"}; text=${text//$'\t'/ }; printf '"%s"' "${text//$'\n'/ }"; }

device=none driver=none
describe_device() {
  device=$("$program" --gtest_list_tests 2>&1 | sed -n 's/^device: //p' | head -n 1) || true
  [ -n "$device" ] || device="unknown: $program says nothing of its device"
  driver=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -n 1) || true
  [ -n "$driver" ] || driver=$(sed -n 's/^NVRM version:.*Kernel Module *\(for [^ ]*\)\{0,1\} *\([0-9.]*\).*/\2/p' /proc/driver/nvidia/version 2>/dev/null) || true
  [ -n "$driver" ] || driver=unknown
}

# record STAGE RESULT PASSED FAILED SKIPPED SECONDS COMMAND
record() {
  local date revision object rest
  date=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
  [ -f "$table" ] || printf '%s\n' '| date (UTC) | revision | GPU | driver | stage | result | passed | failed | skipped | seconds | command |' \
    '|---|---|---|---|---|---|---|---|---|---|---|' >"$table"
  printf '| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | `%s` |\n' "$date" "$revision" "$device" "$driver" "$1" "$2" "$3" "$4" "$5" "$6" "${7//|/\\|}" >>"$table"
  object=$(printf '{"date": "%s", "revision": "%s", "gpu": %s, "driver": %s, "stage": "%s", "result": "%s", "passed": %d, "failed": %d, "skipped": %d, "seconds": %d, "command": %s}' \
    "$date" "$revision" "$(quoted "$device")" "$(quoted "$driver")" "$1" "$2" "$3" "$4" "$5" "$6" "$(quoted "$7")")
  if [ -s "$json" ]; then
    # An array, one object a line; its last line is the bracket.
    rest=$(sed '$d' "$json")
    printf '%s,\n%s\n]\n' "$rest" "$object" >"$json.new"
  else
    printf '[\n%s\n]\n' "$object" >"$json.new"
  fi
  mv "$json.new" "$json"
}

# run_tests STAGE COMMAND...: runs the op-test program and records what it counted.
run_tests() {
  local stage=$1 started=$SECONDS status=0 result=passed passed failed skipped
  shift
  echo "== $stage: $*"
  timeout --kill-after=10 "${STAGE_LIMIT:-460}" "$@" --gtest_color=no >"$log" 2>&1 || status=$?
  [ "$status" -ne 124 ] || echo "gpu-check.sh $stage: ended after ${STAGE_LIMIT:-460} seconds" >&2
  count() { sed -n "s/^\[  $1 *\] \([0-9]*\) tests\{0,1\}[.,]*.*/\1/p" "$log" | head -n 1; }
  passed=$(count PASSED) failed=$(count FAILED) skipped=$(count SKIPPED)
  if [ "$status" -ne 0 ] || [ "${failed:-0}" -ne 0 ] || [ "${passed:-0}" -eq 0 ]; then
    result=failed code=1
    grep -v -e '^\[ RUN' -e '^\[       OK' "$log" | tail -n 60 >&2 || true
    echo "gpu-check.sh $stage: failed with exit code $status; all it said: $log.$stage" >&2
  fi
  cp "$log" "$log.$stage"
  record "$stage" "$result" "${passed:-0}" "${failed:-0}" "${skipped:-0}" $((SECONDS - started)) "$*"
  echo "$stage: $result; ${passed:-0} passed, ${failed:-0} failed, ${skipped:-0} skipped, $((SECONDS - started)) s on $device"
}

stage_build() {
  local started=$SECONDS
  echo "== build"
  if ! cmake --preset cuda -DMSC_BUILD_TESTS=ON >"$log" 2>&1; then
    grep -A3 -e 'No CUDA toolkit' -e 'has no libcudart' -e 'GTest' "$log" | head -n 8 >&2 || tail -n 20 "$log" >&2
    refuse build "the preset cuda cannot be configured (see above; all of it: $log)"
    return
  fi
  if ! cmake --build --preset cuda --target moesaic_cuda moesaic_cuda_op_tests >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "gpu-check.sh build: failed (all of it: $log)" >&2
    code=1
    return
  fi
  # What needs no device: the library that was built is the one that core was compiled for.
  if ! out/native/cuda/moesaic_cuda_op_tests --gtest_filter='CudaHost*' --gtest_brief=1 >"$log" 2>&1; then
    cat "$log" >&2
    echo "gpu-check.sh build: libmoesaic_cuda.so does not answer as it should" >&2
    code=1
    return
  fi
  echo "build: passed; $((SECONDS - started)) s; $(du -h out/native/cuda/moesaic_cuda_op_tests | cut -f1) of tests"
}

# Whether the program is there and finds a device; refuses the stage otherwise.
has_device() {
  [ -x "$program" ] || { refuse "$1" "$program is not there: run the stage build, or name the program with --program"; return 1; }
  describe_device
  case "$device" in
    "no CUDA device"* | unknown*) refuse "$1" "$device"; return 1 ;;
  esac
}

stage_ops() { has_device ops || return 0; run_tests ops "$program"; }

stage_sanitize() {
  local tools=$1 tool sanitizer
  has_device sanitize || return 0
  sanitizer=$(command -v compute-sanitizer || ls {"${CUDA_HOME:-/nowhere}","${CUDA_PATH:-/nowhere}",/usr/local/cuda}/bin/compute-sanitizer 2>/dev/null | head -n 1) || true
  [ -n "$sanitizer" ] || { refuse sanitize "compute-sanitizer is not on the PATH, in CUDA_HOME or in /usr/local/cuda: it comes with a CUDA toolkit"; return 0; }
  for tool in $tools; do
    # Without guard bands, so that an array ends where its allocation does.
    MOESAIC_GUARD_BANDS=0 run_tests "sanitize:$tool" "$sanitizer" --tool "$tool" --error-exitcode 9 "$program"
  done
}

for stage in "${stages[@]}"; do
  case "$stage" in
    build) stage_build ;;
    ops) stage_ops ;;
    sanitize) stage_sanitize "memcheck racecheck synccheck" ;;
    sanitize:*) stage_sanitize "${stage#sanitize:}" ;;
    kernels) refuse kernels "this stage is not there yet: no program times the CUDA kernels" ;;
    engine) refuse engine "this stage is not there yet: no model runs on a CUDA device" ;;
  esac
done
exit "$code"
