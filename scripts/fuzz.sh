#!/usr/bin/env bash
# Coverage-guided fuzzing of whatever reads untrusted bytes; no part of './build.sh test'.
# usage: scripts/fuzz.sh [TARGET|native|managed|all] [SECONDS]
# TARGET is one of the names that 'scripts/fuzz.sh list' prints; every target runs SECONDS (60 unless said).
# Corpora grow in out/fuzz/corpus; findings go to out/fuzz/findings, and the run then fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh
. scripts/lib/build.sh

sharpfuzz_version=2.3.0
native_targets=$(cd native/fuzz && ls ./*_fuzz.cc | sed 's|^\./||; s|_fuzz\.cc$||')
managed_targets="gguf safetensors config tokenizer-json tokenizer-model template"
findings=$root/out/fuzz/findings

target=${1:-all}
seconds=${2:-60}
case "$target" in
  list) printf '%s\n' $native_targets $managed_targets; exit 0 ;;
  all) targets="$native_targets $managed_targets" ;;
  native) targets=$native_targets ;;
  managed) targets=$managed_targets ;;
  *) targets=$target ;;
esac
[[ "$seconds" =~ ^[1-9][0-9]*$ ]] || { echo "'$seconds' is no number of seconds" >&2; exit 2; }

contains() { [[ " $(echo $1) " == *" $2 "* ]]; }

ensure_clang() {
  local runtimes=(/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a)
  if ! compgen -G "/usr/bin/clang++*" >/dev/null; then
    install_packages clang-14 libclang-rt-14-dev
  elif [ ! -e "${runtimes[0]}" ] && [ "$(uname -m)" = x86_64 ]; then
    local newest
    newest=$(ls /usr/bin/clang++-* 2>/dev/null | sed 's/.*-//' | sort -n | tail -n 1)
    install_packages "libclang-rt-${newest:-14}-dev"
  fi
}

# Any bytes are a valid input of the native targets: they start from pieces of real files.
seed_native() {
  local corpus=$1 file n=0
  [ -n "$(ls -A "$corpus")" ] && return 0
  for file in tests/testdata/gguf_blocks/blocks.safetensors tests/testdata/fixtures/*/model.*; do
    for offset in 0 4096 16384; do
      tail -c +"$((offset + 1))" "$file" | head -c 2048 >"$corpus/seed-$n" || true
      n=$((n + 1))
    done
  done
}

run_native() {
  local name=$1 corpus=out/fuzz/corpus/$1
  mkdir -p "$corpus"
  seed_native "$corpus"
  # Refusing what memory cannot hold is the library's business, so the allocator returns NULL instead of ending the program.
  ASAN_OPTIONS="allocator_may_return_null=1:detect_stack_use_after_return=1 ${ASAN_OPTIONS:-}" \
    UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}" \
    "out/native/fuzz/moesaic_${name}_fuzz" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=4096 \
    -print_final_stats=1 -verbosity=1 -artifact_prefix="$findings/$name-" "$corpus" >"out/fuzz/$name.log" 2>&1 || {
    tail -n 60 "out/fuzz/$name.log" >&2
    return 1
  }
  grep -E '^(Done|stat::number_of_executed_units|#.*DONE)' "out/fuzz/$name.log"
}

# The published reader, instrumented in place.
build_managed() {
  local bin=$root/out/fuzz/bin tools=$root/out/fuzz/tools
  rm -rf "$bin"
  "$dotnet" publish tests/Moesaic.Fuzz -c Release -o "$bin" --nologo -v quiet >out/log/publish-fuzz.log 2>&1 || {
    cat out/log/publish-fuzz.log >&2
    return 1
  }
  [ -x "$tools/sharpfuzz" ] ||
    "$dotnet" tool install SharpFuzz.CommandLine --version "$sharpfuzz_version" --tool-path "$tools" >out/log/sharpfuzz.log 2>&1 || {
    echo "SharpFuzz.CommandLine $sharpfuzz_version could not be installed (out/log/sharpfuzz.log): mutations will not be guided by coverage" >&2
    return 0
  }
  "$tools/sharpfuzz" "$bin/Moesaic.Models.dll"
}

mkdir -p out/log "$findings"
for name in $targets; do
  contains "$native_targets $managed_targets" "$name" || {
    echo "'$name' is no target; known are: $(echo $native_targets $managed_targets)" >&2
    exit 2
  }
done

status=0
prepared_native= prepared_managed=
for name in $targets; do
  if contains "$native_targets" "$name"; then
    if [ -z "$prepared_native" ]; then
      ensure_packages build
      ensure_clang
      build_native fuzz
      prepared_native=1
    fi
    echo "== $name ($seconds s)"
    run_native "$name" || { echo "FINDING in $name: see $findings and out/fuzz/$name.log"; status=1; }
  else
    if [ -z "$prepared_managed" ]; then
      ensure_dotnet
      build_managed
      prepared_managed=1
    fi
    echo "== $name ($seconds s)"
    "$dotnet" out/fuzz/bin/Moesaic.Fuzz.dll "$name" --seconds "$seconds" --seed "${FUZZ_SEED:-$RANDOM}" --corpus "out/fuzz/corpus/$name" --findings "$findings" ||
      { echo "FINDING in $name: see $findings (an input named *-in-work ended the process)"; status=1; }
  fi
done
exit "$status"
