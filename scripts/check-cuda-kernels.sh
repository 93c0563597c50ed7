#!/usr/bin/env bash
# Compiles every CUDA kernel (sm_90a code, compute_80 PTX) and compares ptxas's registers and spills with the budgets in
# native/src/cuda/register-budgets.txt; then links libmoesaic_cuda.so and checks what it exports and needs, and that
# libmoesaic.so does not need it. Needs a toolkit (fetched when none is here), no GPU.
# usage: check-cuda-kernels.sh [--write]   (--write: make the budgets from what the compiler reports)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
budgets=native/src/cuda/register-budgets.txt
log=out/log/cuda.log
mkdir -p out/log
fail() { cat "$log" >&2; echo "The CUDA kernels were not compiled: $*" >&2; exit 1; }
configure() { cmake --preset cuda >"$log" 2>&1; }
configure || {
  # cmake/MoesaicCuda.cmake knows which toolkits do; where none does, one is fetched.
  grep -q "No CUDA toolkit" "$log" || fail "the preset cuda cannot be configured (see above)"
  scripts/get-cuda-toolkit.sh >/dev/null || fail "no toolkit is here and none could be fetched (see above)"
  configure || fail "the preset cuda cannot be configured (see above)"
}
cmake --build --preset cuda --target moesaic_cuda_kernels >"$log" 2>&1 || fail "nvcc failed (see above)"
cmake --build --preset cuda --target moesaic_cuda >"$log" 2>&1 || fail "libmoesaic_cuda.so cannot be linked (see above)"

# One line a kernel: its demangled name without namespaces, registers, bytes spilled.
measured=$(cat out/native/cuda/cuda/*.ptxas.txt | awk '
  /Compiling entry function/ { split($0, q, "\x27"); name = q[2]; arch = q[4] }
  /spill stores/ { spills = $5 + $9 }
  /Used [0-9]+ registers/ { for (i = 1; i < NF; i++) if ($i == "Used") registers = $(i + 1); print name, registers, spills }' |
  c++filt -p | sed 's/msc::cuda:://g; s/void //' | LC_ALL=C sort)
[ -n "$measured" ] || { echo "ptxas reported no kernel: see out/native/cuda/cuda" >&2; exit 1; }
header='# Most registers a thread and bytes spilled of each kernel on sm_90a (CUDA 12.4): NAME REGISTERS SPILLED.
# Written by scripts/check-cuda-kernels.sh --write; a kernel that needs more fails the build, since it costs occupancy.'
if [ "${1:-}" = --write ]; then
  printf '%s\n%s\n' "$header" "$measured" >"$budgets"
fi
awk '
  FNR == NR { if ($0 !~ /^#/ && NF) { spills[key($0)] = $NF; registers[key($0)] = $(NF - 1) } next }
  { k = key($0); n++
    if (!(k in registers)) { print "no budget for " k ": run scripts/check-cuda-kernels.sh --write and look at the difference"; bad = 1; next }
    seen[k] = 1
    if ($(NF - 1) > registers[k] || $NF > spills[k]) { printf "%s: %d registers, %d bytes spilled; its budget is %d and %d\n", k, $(NF - 1), $NF, registers[k], spills[k]; bad = 1 } }
  END { for (k in registers) if (!(k in seen)) { print "the budget of " k " has no kernel"; bad = 1 }
        if (!bad) print n " kernels compiled, registers and spills within budget"; exit bad }
  function key(line) { sub(/ [0-9]+ [0-9]+$/, "", line); return line }' "$budgets" - <<<"$measured"

library=out/native/cuda/libmoesaic_cuda.so
wrong() { echo "$*" >&2; exit 1; }
exported=$(nm -D --defined-only "$library" | awk '{ print $3 }')
[ "$exported" = msc_cuda_library ] || wrong "$library exports: ${exported//$'\n'/, }; expected msc_cuda_library alone (native/exports_cuda.map)"
# What a shared library needs, one name a line.
needed() { readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'; }
foreign=$(needed "$library" | grep -vE '^(libc|libm|libdl|librt|libpthread)\.so\.[0-9]+$|^ld-linux' || true)
[ -z "$foreign" ] || wrong "$library needs ${foreign//$'\n'/, }: it must run with a driver and no toolkit"
for cpu in out/native/*/libmoesaic.so; do
  if [ -f "$cpu" ] && needed "$cpu" | grep -i cuda; then
    wrong "$cpu needs the library above: it must run without CUDA"
  fi
done
echo "libmoesaic_cuda.so ($(stat -c %s "$library") bytes) exports one function and needs the C library alone"
