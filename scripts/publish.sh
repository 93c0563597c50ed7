#!/usr/bin/env bash
# Trimmed, self-contained program in out/publish/moesaic and its archive; runs it in an empty environment and
# fails when the archive exceeds its limit. usage: publish.sh [--cuda]   (--cuda: with libmoesaic_cuda.so, which must have been
# built; without it the program runs on CPUs)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
. scripts/lib/packages.sh
. scripts/lib/dotnet.sh
. scripts/lib/build.sh

limit_mib=25
leave_out_cuda=true
if [ "${1:-}" = --cuda ]; then
  leave_out_cuda=false
  [ -f out/native/cuda/libmoesaic_cuda.so ] || { echo "publish.sh: out/native/cuda/libmoesaic_cuda.so is not there: scripts/check-cuda-kernels.sh builds it" >&2; exit 1; }
fi
ensure_packages build
ensure_dotnet
mkdir -p out/log
[ -f out/native/release/libmoesaic.so ] || [ -n "$(find out/native/release -name libmoesaic.so -print -quit 2>/dev/null)" ] || build_native release moesaic
rm -rf out/publish
"$dotnet" publish src/Moesaic.Cli/Moesaic.Cli.csproj -c Release -r linux-x64 --self-contained -p:PublishTrimmed=true -p:LeaveOutCuda=$leave_out_cuda \
  -o out/publish/moesaic --nologo -v quiet >out/log/publish-trimmed.log 2>&1 || { cat out/log/publish-trimmed.log >&2; exit 1; }
# The archive's limit is for what is carried to another machine; xz is in every distribution.
tar -C out/publish -cJf out/publish/moesaic-linux-x64.tar.xz moesaic
size=$(stat -c %s out/publish/moesaic-linux-x64.tar.xz)
echo "out/publish/moesaic-linux-x64.tar.xz: $((size / 1024)) KiB (limit $limit_mib MiB)"
[ "$size" -le $((limit_mib * 1024 * 1024)) ] || { echo "publish.sh: the archive is larger than $limit_mib MiB" >&2; exit 1; }
answer=$(cd / && env -i "$root/out/publish/moesaic/moesaic" generate "define river" --json --max-tokens 24)
echo "$answer" | grep -q '"text"' || { echo "publish.sh: the published program did not answer: $answer" >&2; exit 1; }
(cd / && env -i "$root/out/publish/moesaic/moesaic" doctor >/dev/null)
# The service host listens before it has loaded; ready is when health says so.
(cd / && exec env -i "$root/out/publish/moesaic/moesaic" serve --port 0 2>"$root/out/log/publish-serve.log") &
server=$!
address=
for _ in $(seq 100); do
  address=$(sed -n 's,^listening on http://\([^/ ]*\)/.*,\1,p' out/log/publish-serve.log)
  grep -q '^ready: ' out/log/publish-serve.log && break
  sleep 0.2
done
health=$(curl -fsS "http://$address/health" || true)
kill -TERM "$server" 2>/dev/null || true
code=0
wait "$server" || code=$?
[ "$health" = '{"status":"ready"}' ] && [ "$code" = 0 ] ||
  { echo "publish.sh: the published service host answered '$health' and ended with $code:" >&2; cat out/log/publish-serve.log >&2; exit 1; }
