#!/usr/bin/env bash
# The one entry to the project: sets up what is missing, builds what changed, runs it. See ./build.sh help.
set -euo pipefail
invoked_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh
. scripts/lib/build.sh

# Verbs that the program itself understands; build.ps1 has the same list (a test compares them).
program_verbs="generate chat score embed tokenize detokenize template inspect bench bench-serve serve pull quantize doctor"
# Verbs of this script.
script_verbs="help deps build test perf-gate publish pack clean"

usage() {
  cat <<'TEXT'
usage: ./build.sh VERB [ARGUMENTS]

Run the program (installs what is missing, builds what changed, then runs):
  generate "define river"    answer a prompt with the embedded model, or with --model PATH
  serve                      OpenAI and Anthropic protocols over HTTP, on 127.0.0.1:8000
  pull owner/repo            fetch a model from a hub, then use it as --model owner/repo
  chat | score | embed | tokenize | detokenize | template | inspect | bench | bench-serve | quantize | doctor
                             any other verb of the program; add --help to see its options

Work on the project:
  deps         install what building needs
  build        build; leaves the program at out/bin/moesaic
  test         build and run every test; ends with 'N passed, N failed, N skipped'
  perf-gate    compare measured performance ratios with the checked-in budget
  publish      trimmed, self-contained program and its archive in out/publish [--cuda: with the CUDA library]
  pack         NuGet packages of the libraries in out/packages
  clean        remove out/
  help         this text
TEXT
}

run_program() {
  build_program
  # The caller's folder, so that relative paths on the command line mean what they say.
  cd "$invoked_from"
  exec "$root/out/bin/moesaic" "$@"
}


verb=${1:-help}
[ $# -gt 0 ] && shift

case " $program_verbs " in
  *" $verb "*) run_program "$verb" "$@" ;;
esac

case "$verb" in
  help | --help | -h) usage ;;
  deps) ensure_packages build && ensure_packages test && ensure_dotnet ;;
  build) build_program ;;
  test) exec scripts/test.sh "$@" ;;
  perf-gate) build_program && exec scripts/perf-gate.sh "$@" ;;
  publish) exec scripts/publish.sh "$@" ;;
  pack) exec scripts/pack.sh "$@" ;;
  clean) rm -rf out ;;
  *)
    echo "build.sh: unknown verb '$verb'; ./build.sh help lists them" >&2
    exit 2
    ;;
esac
