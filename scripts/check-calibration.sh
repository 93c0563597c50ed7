#!/usr/bin/env bash
# Compares the library's measured limits with independent figures, on all processors:
# - read bandwidth with likwid-bench (Debian package likwid), which must not beat it by more than 5%;
# - float32 peak with likwid-bench's peakflops kernel, and float32 and int8 peaks with instructions per cycle (documented
#   for the processor families below) times the measured clock; at least 90% of each must be reached.
# usage: check-calibration.sh [ROUNDS]   needs the preset 'release' built with tests.
# Rounds alternate and the best of each side counts, because other work on the machine only ever slows a round.
# On a busy machine set MSC_RUN_PREFIX="nice -n -15" (needs root), so that little interrupts the loops.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
prefix=${MSC_RUN_PREFIX:-}
program=out/native/release/moesaic_op_tests
[ -x "$program" ] || { echo "$program is not there: cmake --preset release && cmake --build --preset release" >&2; exit 1; }
command -v likwid-bench >/dev/null || { echo "likwid-bench is not there: apt-get install likwid" >&2; exit 1; }

threads=$(nproc)
flags=$(grep -m1 '^flags' /proc/cpuinfo)
if [[ $flags == *" avx512f "* && $flags == *" avx512bw "* && $flags == *" avx512vl "* && $flags == *" avx512dq "* ]]; then
  load=load_avx512 flops=peakflops_sp_avx512_fma variants="avx512 avx2"
elif [[ $flags == *" avx2 "* ]]; then
  load=load_avx flops=peakflops_sp_avx_fma variants=avx2
else
  echo "this processor has no AVX2: nothing to compare" >&2
  exit 1
fi

# Operations per cycle of one core at the AVX2 level: float32 = 2 FMA of 8 lanes; int8 = one maddubs + madd + add of 32
# bytes, because two ports multiply. AMD family 17h to 1Ah (Zen to Zen 5; Zen 1 splits 256-bit vectors and is left out) and
# Intel since Skylake: software optimisation guides of the makers.
family=$(awk -F': ' '/^cpu family/{print $2; exit}' /proc/cpuinfo)
model=$(awk -F': ' '/^model\t/{print $2; exit}' /proc/cpuinfo)
vendor=$(awk -F': ' '/^vendor_id/{print $2; exit}' /proc/cpuinfo)
per_cycle_f32="" per_cycle_int8=""
if [ "$vendor" = AuthenticAMD ] && { [ "$family" -ge 25 ] || { [ "$family" -eq 23 ] && [ "$model" -ge 49 ]; }; } ||
   { [ "$vendor" = GenuineIntel ] && [ "$family" -eq 6 ] && [ "$model" -ge 78 ]; }; then
  per_cycle_f32=32 per_cycle_int8=64
fi

best() { awk -v a="$1" -v b="$2" 'BEGIN{print (a > b) ? a : b}'; }
declare -A ours=()
their_load=0 their_flops=0
for ((round = 0; round < rounds; round++)); do
  # shellcheck disable=SC2086
  while read -r variant count name _ maximum; do
    key="$variant.$count.$name"
    ours[$key]=$(best "${ours[$key]:-0}" "$maximum")
  done < <(for v in $variants; do $prefix "$program" --calibrate --variant="$v" --seconds=0.3
           $prefix "$program" --calibrate --variant="$v" --threads=1 --seconds=0.1; done)
  # shellcheck disable=SC2086
  their_load=$(best "$their_load" "$($prefix likwid-bench -t "$load" -w "N:512MB:$threads" 2>/dev/null | awk '/^MByte\/s/{print $2 / 1000}')")
  # shellcheck disable=SC2086
  their_flops=$(best "$their_flops" "$($prefix likwid-bench -t "$flops" -w "N:32kB:$threads" 2>/dev/null | awk '/^MFlops\/s/{print $2 / 1000}')")
done

status=0
# report WHAT OURS THEIRS LEAST_PERCENT
report() {
  awk -v what="$1" -v a="$2" -v b="$3" -v least="$4" 'BEGIN {
    percent = 100 * a / b
    printf "%-62s %9.2f %9.2f %6.1f%% (at least %d%%) %s\n", what, a, b, percent, least, (percent >= least ? "ok" : "FAILED")
    exit (percent >= least ? 0 : 1)
  }' || status=1
}
clock=${ours["-.1.clock"]}
first=${variants%% *}
printf '%-62s %9s %9s\n' "$threads threads, clock $clock GHz; 1e9 per second" ours theirs
report "read bandwidth, $first, against likwid-bench $load" "${ours["$first.$threads.read_bandwidth"]}" "$their_load" 95
report "float32 peak, $first, against likwid-bench $flops" "${ours["$first.$threads.f32_fma"]}" "$their_flops" 90
if [ -n "$per_cycle_f32" ]; then
  report "float32 peak of 1 thread, avx2, against $per_cycle_f32 per cycle" "${ours["avx2.1.f32_fma"]}" "$(awk "BEGIN{print $clock * $per_cycle_f32}")" 90
  report "int8 peak of 1 thread, avx2, against $per_cycle_int8 per cycle" "${ours["avx2.1.int8_dot"]}" "$(awk "BEGIN{print $clock * $per_cycle_int8}")" 90
else
  echo "no documented instructions per cycle for $vendor family $family model $model: peaks compared with likwid-bench alone"
fi
exit "$status"
