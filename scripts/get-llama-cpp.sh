#!/usr/bin/env bash
# Unpacks Debian sid's llama.cpp, with the libraries it needs, into .tools/llama.cpp (git-ignored), for side-by-side
# comparisons only (scripts/compare-serve.sh, scripts/compare-llama-cpp.cs): nothing is installed, nothing of it is linked or shipped, CI never runs this.
# Leaves .tools/llama.cpp/llama-bench and llama-server, wrappers that run the programs with their own loader and libraries.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib/debian.sh
target=$PWD/.tools/llama.cpp
state=$PWD/.tools/apt-sid
mkdir -p "$target/debs"

debian_apt "$state" sid main || exit 1

# Everything that the program needs, from libc up, so that the machine's own release does not matter.
packages=$(apt-cache "${apt_options[@]}" depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
  --no-replaces --no-enhances llama.cpp-tools 2>/dev/null | grep -E '^[a-z0-9]' | grep -vE '^(debconf|perl|python3|adduser|passwd)' | sort -u)
[ -n "$packages" ] || { echo "get-llama-cpp.sh: this mirror's sid has no llama.cpp-tools" >&2; exit 1; }
(
  cd "$target/debs"
  for package in $packages; do
    apt-get "${apt_options[@]}" download -qq "$package" 2>/dev/null || true
  done
)
for deb in "$target"/debs/*.deb; do
  dpkg -x "$deb" "$target/root"
done
loader=$(find "$target/root" -name 'ld-linux-x86-64.so.2' | head -n 1)
bin=$(dirname "$(find "$target/root" -path '*/bin/llama-bench' -type f | head -n 1)")
[ -n "$loader" ] && [ -x "$bin/llama-bench" ] && [ -x "$bin/llama-server" ] || { echo "get-llama-cpp.sh: llama-bench, llama-server or their loader is not in the packages" >&2; exit 1; }
libraries=$(find "$target/root" -name '*.so*' -printf '%h\n' | sort -u | tr '\n' ':')
# Its plug-ins are looked for beside the executable, which is the loader when started this way.
cp "$(dirname "$(find "$target/root" -name 'libggml-cpu-x64.so' | head -n 1)")"/*.so "$(dirname "$loader")/"
for program in llama-bench llama-server; do
  cat >"$target/$program" <<WRAPPER
#!/bin/sh
exec "$loader" --library-path "$libraries" "$bin/$program" "\$@"
WRAPPER
  chmod +x "$target/$program"
  echo "$target/$program"
done
