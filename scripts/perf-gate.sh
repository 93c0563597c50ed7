#!/usr/bin/env bash
# Compares measured shares of the machine's limits with tests/perf-budget.json, at every instruction-set level that the
# machine has. Called by ./build.sh perf-gate. Exit code 4: a row misses its budget; other codes: nothing was judged.
#   --only PART         only cases whose name has this part
#   --prove             the gate must fail when every step's kernels are run twice, because the rows show it (a fifth may be lost in noise)
#   --measure [ROUNDS]  prints the budget with what this machine shows (medians of ROUNDS, 5 if absent; give it a quiet one)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=out/bin/moesaic
budget=tests/perf-budget.json
[ -x "$program" ] || { echo "perf-gate: no $program; run ./build.sh build first" >&2; exit 2; }

prove() {
  local status=0 table
  table=$(mktemp)
  trap 'rm -f "$table"' RETURN
  "$program" bench --gate "$budget" --slowdown 2 "$@" | tee "$table" || status=${PIPESTATUS[0]}
  # On a processor unlike the budget's the floors are wide: there the drop of each row is the proof.
  local foreign=0
  grep -q '^other processor:' "$table" && foreign=1
  [ "$status" -eq 4 ] || { [ "$foreign" -eq 1 ] && [ "$status" -eq 0 ]; } ||
    { echo "perf-gate: kernels that run twice did not miss the budget (exit code $status)" >&2; return 1; }
  [ "$foreign" -eq 1 ] || grep -q '^MISSED: .* of .* the floor is ' "$table" || { echo "perf-gate: no row was named" >&2; return 1; }
  # Twice the kernels is half the rate; 0.35 to 0.7 leaves room for what runs once and for noise. A row that stays above its
  # floor although it dropped, on a machine unlike the measured one, is told.
  awk -F'|' -v foreign="$foreign" '
    $4 ~ /prefill|decode/ {
      rows++
      if ($9 + 0 < 0.35 || $9 + 0 > 0.7) { wrong++; print "perf-gate: not the drop of kernels that run twice:" $2 "," $3 "," $4 ": " $9 }
      else if ($12 ~ /MISSED/) missed++
      else print "perf-gate: dropped but stayed above its floor:" $2 "," $3 "," $4
    }
    END {
      printf "perf-gate: %d of %d rows show that kernels ran twice, %d of them below their floors\n", rows - wrong, rows, missed
      exit (rows > 0 && wrong <= rows / 5 && (missed > 0 || foreign) ? 0 : 1)
    }' "$table"
}

case "${1:-}" in
  --prove)
    shift
    # A row that a busy machine kept from showing its drop is measured once more.
    prove "$@" || { echo "perf-gate: once more"; prove "$@"; }
    ;;
  --measure)
    shift; rounds=5
    [[ ${1:-} =~ ^[0-9]+$ ]] && { rounds=$1; shift; }
    exec "$program" bench --gate "$budget" --suggest "$rounds" "$@"
    ;;
  *) exec "$program" bench --gate "$budget" "$@" ;;
esac
