#!/usr/bin/env bash
# Compares the library's measured limits with independent figures:
# - read bandwidth of all threads with likwid-bench (Debian package likwid): at least 95% of it;
# - float32 peak with likwid-bench's peakflops kernel, and float32 and int8 peaks of one thread with instructions per cycle
#   (documented for the processor families below) times the measured clock: at least 90%.
# usage: check-calibration.sh [ROUNDS]   needs the preset 'release' built with tests, and a machine without other work.
# Rounds alternate; of bandwidth each round's median counts, of peaks and clock the best of a round (a neighbour on the same
# core only ever slows them), and of all rounds the median.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-5}
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

median() { sort -g | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
samples=$(mktemp -d)
trap 'rm -rf "$samples"' EXIT
# ours VARIANT THREADS SECONDS: adds a sample of every limit.
ours() {
  local variant count name middle most
  "$program" --calibrate --variant="$1" --threads="$2" --seconds="$3" | while read -r variant count name middle most; do
    [ "$name" = read_bandwidth ] || middle=$most
    echo "$middle" >>"$samples/$variant.$count.$name"
  done
}
# theirs KERNEL WORKING_SET ITERATIONS UNIT: about half a second; left to itself the tool takes several.
theirs() { likwid-bench -t "$1" -w "$2" -i "$3" 2>/dev/null | awk -v unit="^$4/s" '$0 ~ unit {print $2 / 1000}' >>"$samples/$1"; }
value() { median <"$samples/$1"; }
first=${variants%% *}
for ((round = 0; round < rounds; round++)); do
  ours "$first" "$threads" 0.3
  theirs "$load" "N:512MB:$threads" 20 MByte
  theirs "$flops" "N:32kB:$threads" 400000 MFlops
  ours avx2 1 0.1
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
[ -f "$samples/-.1.clock" ] || mv "$samples/-.$threads.clock" "$samples/-.1.clock"
clock=$(value -.1.clock)
printf '%-62s %9s %9s\n' "$threads threads, clock $clock GHz, $rounds rounds; 1e9 per second" ours theirs
report "read bandwidth, $first, against likwid-bench $load" "$(value "$first.$threads.read_bandwidth")" "$(value "$load")" 95
report "float32 peak, $first, against likwid-bench $flops" "$(value "$first.$threads.f32_fma")" "$(value "$flops")" 90
if [ -n "$per_cycle_f32" ]; then
  report "float32 peak of 1 thread, avx2, against $per_cycle_f32 per cycle" "$(value avx2.1.f32_fma)" "$(awk "BEGIN{print $clock * $per_cycle_f32}")" 90
  report "int8 peak of 1 thread, avx2, against $per_cycle_int8 per cycle" "$(value avx2.1.int8_dot)" "$(awk "BEGIN{print $clock * $per_cycle_int8}")" 90
else
  echo "no documented instructions per cycle for $vendor family $family model $model: peaks compared with likwid-bench alone"
fi
exit "$status"
