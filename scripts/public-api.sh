#!/usr/bin/env bash
# Writes the frozen public API of Moesaic.Engine anew: src/Moesaic.Engine/PublicAPI.Unshipped.txt. Review its difference
# like code. With --check: only says whether it is current.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh

ensure_dotnet
mkdir -p out/log
project=src/Moesaic.Engine
unshipped=$project/PublicAPI.Unshipped.txt
before=$(cat "$unshipped")
log=out/log/public-api.log
"$dotnet" build "$project" -c Release --nologo -v quiet >"$log" 2>&1 || grep -q 'RS00[0-9][0-9]' "$log" || { cat "$log" >&2; exit 1; }
echo '#nullable enable' >"$unshipped"
# Every public symbol that the files do not name is a warning with its text.
"$dotnet" build "$project" -c Release --nologo -v quiet --no-incremental -p:BuildProjectReferences=false \
  -p:RunAnalyzersDuringBuild=true -p:TreatWarningsAsErrors=false >"$log" 2>&1 || { cat "$log" >&2; echo "$before" >"$unshipped"; exit 1; }
sed -n "s/.*warning RS0016: Symbol '\(.*\)' is not part of the declared public API.*/\1/p" "$log" | LC_ALL=C sort -u >>"$unshipped"
if [ "${1:-}" = --check ]; then
  if [ "$(cat "$unshipped")" != "$before" ]; then
    diff <(echo "$before") "$unshipped" || true
    echo "$before" >"$unshipped"
    echo "public-api.sh: $unshipped is not current; run scripts/public-api.sh and review the difference" >&2
    exit 1
  fi
  exit 0
fi
echo "$unshipped: $(($(wc -l <"$unshipped") - 1)) symbols"
