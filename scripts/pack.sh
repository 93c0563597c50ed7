#!/usr/bin/env bash
# NuGet packages of the managed libraries and of the native library for linux-x64, in out/packages.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh
. scripts/lib/build.sh

ensure_packages build
ensure_dotnet
mkdir -p out/log
build_native release moesaic
rm -rf out/packages
mkdir -p out/packages
log=out/log/pack.log
{
  "$dotnet" build src/Moesaic.Engine/Moesaic.Engine.csproj -c Release --nologo -v quiet &&
    "$dotnet" build src/Moesaic.Native/Moesaic.Native.csproj -c Release --nologo -v quiet &&
    for project in bindings/Moesaic.Bindings src/Moesaic.Interop src/Moesaic.Models src/Moesaic.Scheduling src/Moesaic.Engine src/Moesaic.Native; do
      "$dotnet" pack "$project" -c Release --no-build -o out/packages --nologo -v quiet || exit 1
    done
} >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
ls -1 out/packages
