#!/usr/bin/env bash
# Packs the libraries, then restores, builds and runs the sample from those packages, as somebody else's program would.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh

scripts/pack.sh
ensure_dotnet
log=out/log/sample.log
cache=$("$dotnet" nuget locals global-packages --list | sed 's/^global-packages: //')
# A package folder of its own: the machine's may hold older packages of the same version. It serves all others.
rm -rf out/samples
"$dotnet" build src/samples/Chat/Chat.csproj -c Release --nologo -v quiet \
  -p:RestorePackagesPath="$root/out/samples/packages" -p:RestoreAdditionalProjectFallbackFolders="$cache" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
if find out/samples/packages -maxdepth 1 -iname 'moesaic.engine' | grep -q .; then :; else
  echo "sample.sh: the sample was not built from the packages in out/packages" >&2
  exit 1
fi
answer=$(cd / && "$dotnet" "$root/out/samples/bin/Chat/release/Chat.dll" "$root/src/Moesaic.Models/Embedded/ling-wordnet-16m.Q8_0.gguf" "define river")
echo "$answer"
echo "$answer" | grep -Eq '^[0-9]+ tokens read, [1-9][0-9]* written' || { echo "sample.sh: the sample did not answer" >&2; exit 1; }
