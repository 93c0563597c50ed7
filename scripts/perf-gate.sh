#!/usr/bin/env bash
# Compares measured shares of the machine's limits with tests/perf-budget.json, at every instruction-set level that the
# machine has. Called by ./build.sh perf-gate.
#   --prove   the gate must fail when every step's kernels are run twice
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=out/bin/moesaic
budget=tests/perf-budget.json
[ -x "$program" ] || { echo "perf-gate: no $program; run ./build.sh build first" >&2; exit 2; }

if [ "${1:-}" = --prove ]; then
  shift
  status=0
  "$program" bench --gate "$budget" --slowdown 2 "$@" || status=$?
  # 4 is the code of a missed budget; anything else means that nothing was judged.
  [ "$status" -eq 4 ] || { echo "perf-gate: kernels that run twice were not noticed (exit code $status)" >&2; exit 1; }
  echo "perf-gate: noticed kernels that run twice"
  exit 0
fi
exec "$program" bench --gate "$budget" "$@"
