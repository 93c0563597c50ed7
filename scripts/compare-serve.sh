#!/usr/bin/env bash
# Serves one model with llama.cpp's server and with moesaic serve, drives both with moesaic bench-serve, and prints a table:
# total tokens/s and median time to first token at several numbers of streams, medians of alternating rounds. Never in CI.
# Every measurement is kept in out/compare-serve; the table is of all that is there, so a long comparison can be made in pieces.
#
# usage: scripts/compare-serve.sh [--model FILE.gguf] [--streams "1 4 16 32 64"] [--rounds 3] [--input 128] [--output 64]
#                                 [--threads N] [--first-round 1] [--only llama.cpp|moesaic] [--fresh] [--table]
# --table measures nothing. --fresh forgets earlier measurements. MOESAIC_PROGRAM: the program, when it is not out/bin/moesaic.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
model=../shared/models/SmolLM2-135M-Instruct.Q4_1.gguf streams="1 4 16 32 64" rounds=3 input=128 output=64 threads=$(nproc)
first=1 only="" measure=1 results=out/compare-serve
program=${MOESAIC_PROGRAM:-out/bin/moesaic} llama=.tools/llama.cpp/llama-server
llama_port=18601 moesaic_port=18602

while [ $# -gt 0 ]; do
  case "$1" in
    --model) model=$2 && shift ;;
    --streams) streams=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --input) input=$2 && shift ;;
    --output) output=$2 && shift ;;
    --threads) threads=$2 && shift ;;
    --first-round) first=$2 && shift ;;
    --only) only=$2 && shift ;;
    --fresh) rm -rf "$results" ;;
    --table) measure=0 ;;
    *) echo "compare-serve.sh: unknown option '$1'; see the head of the script" >&2 && exit 2 ;;
  esac
  shift
done
mkdir -p "$results" out/log

# Whoever listens there already would be measured in place of the server that cannot start.
require_free() {
  if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
    echo "compare-serve.sh: port $1 is in use; end what listens there (ss -ltnp 'sport = :$1' names it)" >&2
    exit 1
  fi
}

pids=()
stop_servers() {
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  pids=()
}
trap stop_servers EXIT
trap 'exit 130' INT TERM

# start NAME STREAMS: starts a server and waits until it is ready.
start() {
  local name=$1 count=$2 port path=/health
  # Room for each stream's prompt and answer, rounded up.
  local context=$(((input + output + 127) / 64 * 64))
  if [ "$name" = llama.cpp ]; then
    port=$llama_port
    "$llama" -m "$model" -t "$threads" -tb "$threads" -np "$count" -c $((context * count)) --host 127.0.0.1 --port $port --no-ui \
      >out/log/compare-llama.log 2>&1 &
  else
    port=$moesaic_port path=/health/ready
    "$program" serve --model "$model" --threads "$threads" --context "$context" --max-sequences "$count" --port $port --log-level warning \
      >out/log/compare-moesaic.log 2>&1 &
  fi
  pids+=($!)
  for _ in $(seq 300); do
    curl -sf "http://127.0.0.1:$port$path" >/dev/null && return 0
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  echo "compare-serve.sh: $name did not start; see out/log" >&2
  exit 1
}

# bench NAME STREAMS ROUND: one measurement, every request with prompts that no round before had. Connections are not
# used twice: with kept ones, some requests to llama.cpp's server failed (seen, cause not looked for).
bench() {
  local name=$1 count=$2 round=$3 port=$moesaic_port prompts=$(($2 * 4))
  [ "$name" = llama.cpp ] && port=$llama_port
  [ "$prompts" -gt 64 ] && prompts=64
  [ "$prompts" -lt "$count" ] && prompts=$count
  "$program" bench-serve --base-url http://127.0.0.1:$port --num-prompts "$prompts" --max-concurrency "$count" --ignore-eos --no-keep-alive \
    --random-input-len "$input" --random-output-len "$output" --seed $((count * 1000 + round)) --json \
    >"$results/$count-$name-$round.json"
  echo "$count streams, round $round, $name: $(value "$results/$count-$name-$round.json" total_token_throughput) tokens/s" >&2
}

value() { grep -o "\"$2\":[0-9.eE+-]*" "$1" | head -n 1 | cut -d: -f2; }

# median STREAMS NAME KEY: over all rounds that are there.
median() {
  local file
  for file in "$results/$1-$2-"*.json; do if [ -s "$file" ]; then value "$file" "$3"; fi; done | sort -g |
    awk '{ v[NR] = $1 } END { if (NR) printf "%.1f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2; else printf "-" }'
}

ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (a == "-" || b == "-" || b == 0) printf "-"; else printf "%.2f", a / b }'; }

names=${only:-llama.cpp moesaic}
if [ "$measure" = 1 ]; then
  [ -x "$program" ] || { echo "compare-serve.sh: no $program; run ./build.sh build" >&2; exit 1; }
  case " $names " in *" llama.cpp "*) require_free "$llama_port" ;; esac
  case " $names " in *" moesaic "*) require_free "$moesaic_port" ;; esac
  case " $names " in *" llama.cpp "*) [ -x "$llama" ] || scripts/get-llama-cpp.sh >&2 ;; esac
  for count in $streams; do
    for name in $names; do start "$name" "$count"; done
    for round in $(seq "$first" $((first + rounds - 1))); do
      # Whoever comes second finds another machine than whoever comes first, so they take turns.
      order=$names
      [ $((round % 2)) = 0 ] && order=$(printf '%s\n' $names | tac | tr '\n' ' ')
      for name in $order; do bench "$name" "$count" "$round"; done
    done
    stop_servers
  done
fi

echo "| streams | llama.cpp, tokens/s | moesaic, tokens/s | ratio | llama.cpp, median TTFT (ms) | moesaic, median TTFT (ms) | llama.cpp, median TPOT (ms) | moesaic, median TPOT (ms) |"
echo "|---:|---:|---:|---:|---:|---:|---:|---:|"
for count in $(find "$results" -name '*.json' -printf '%f\n' | cut -d- -f1 | sort -nu); do
  theirs=$(median "$count" llama.cpp total_token_throughput) ours=$(median "$count" moesaic total_token_throughput)
  echo "| $count | $theirs | $ours | $(ratio "$ours" "$theirs") | $(median "$count" llama.cpp median_ttft_ms) | $(median "$count" moesaic median_ttft_ms) | $(median "$count" llama.cpp median_tpot_ms) | $(median "$count" moesaic median_tpot_ms) |"
done
