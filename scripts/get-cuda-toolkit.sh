#!/usr/bin/env bash
# Assembles a CUDA toolkit that compiles and links, without GPU or driver, in .tools/cuda (git-ignored), from Debian
# packages that are unpacked and not installed. Needs no root, an x86-64 machine with apt, and about 1 GB of download.
# Does nothing when the folder is whole. Prints the folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib/debian.sh
target=$PWD/.tools/cuda
stamp="layout 1"
[ "$(cat "$target/.complete" 2>/dev/null || true)" = "$stamp" ] && { echo "$target"; exit 0; }

fail() { echo "get-cuda-toolkit.sh: $*" >&2; exit 1; }
[ "$(uname -m)" = x86_64 ] || fail "the packages are for x86-64, this machine is $(uname -m): install a CUDA toolkit (12.4 or later) and set CUDA_HOME"

# Beside the target, so that the last step is a rename: a folder called cuda is never half there.
work=$PWD/.tools/cuda-work
mkdir -p "$work/debs"
debian_apt "$work/apt" trixie "main non-free" || fail "the package lists cannot be read"
packages="nvidia-cuda-toolkit nvidia-cuda-dev libnvvm4 libcudart12 libcu++-dev"
(cd "$work/debs" && for package in $packages; do
  # A package that an interrupted run fetched whole is checked again and kept. A mirror that trickles must not take a
  # whole run's time: the largest package is 1 GB.
  timeout --kill-after=10 "${TOOLKIT_DOWNLOAD_LIMIT:-1200}" apt-get "${apt_options[@]}" download -qq "$package" || fail "the package $package of Debian trixie (main, non-free) cannot be fetched (in ${TOOLKIT_DOWNLOAD_LIMIT:-1200} seconds), or its hash is not the signed one"
done)
deb() { echo "$work"/debs/"$1"_*.deb; }

rm -rf "$work/unpacked" "$work/cuda"
mkdir -p "$work/unpacked"
for package in nvidia-cuda-toolkit libnvvm4 libcudart12 libcu++-dev; do
  dpkg-deb -x "$(deb "$package")" "$work/unpacked" || fail "$package cannot be unpacked"
done
# Two and a half gigabytes of static libraries, of which the two of the runtime are wanted. --occurrence lets tar stop
# at the last name, which breaks dpkg-deb's pipe; a damaged archive ends tar's input early, and tar says so.
libraries=./usr/lib/x86_64-linux-gnu
{ dpkg-deb --fsys-tarfile "$(deb nvidia-cuda-dev)" 2>/dev/null || true; } |
  tar -x -C "$work/unpacked" --occurrence=1 ./usr/include "$libraries/libcudadevrt.a" "$libraries/libcudart_static.a" ||
  fail "nvidia-cuda-dev cannot be unpacked"

installed=$work/unpacked/usr
out=$work/cuda
mkdir -p "$out/bin" "$out/nvvm/bin" "$out/nvvm/lib64" "$out/nvvm/libdevice" "$out/lib64"
private=$installed/lib/nvidia-cuda-toolkit
mv "$private/bin/nvcc" "$private/bin/crt" "$out/bin/"
mv "$installed"/bin/{ptxas,cudafe++,fatbinary,bin2c,cuobjdump,nvdisasm,nvlink} "$out/bin/"
mv "$private/bin/cicc" "$out/nvvm/bin/"
mv "$private/libdevice/libdevice.10.bc" "$out/nvvm/libdevice/"
mv "$installed"/lib/x86_64-linux-gnu/libnvvm.so.4* "$out/nvvm/lib64/"
mv "$installed"/lib/x86_64-linux-gnu/libcud* "$out/lib64/"
mv "$installed/include" "$out/include"
ln -s libcudart.so.12 "$out/lib64/libcudart.so"
# Where nvcc finds its parts: relative to itself, so that the folder may be moved.
cat >"$out/bin/nvcc.profile" <<'PROFILE'
TOP = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
LD_LIBRARY_PATH += $(TOP)/nvvm/lib64:$(TOP)/lib64:
PATH += $(TOP)/nvvm/bin:$(_HERE_):
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib64"
CUDAFE_FLAGS +=
PTXAS_FLAGS +=
PROFILE

# It works or it is not there.
cat >"$work/probe.cu" <<'PROBE'
#include <cuda_bf16.h>
#include <cuda_runtime.h>
__global__ void probe_kernel(__nv_bfloat16* x) {
  asm volatile("wgmma.fence.sync.aligned;");
  x[threadIdx.x] = __float2bfloat16(static_cast<float>(threadIdx.x));
}
int main() { return cudaRuntimeGetVersion(nullptr) == cudaSuccess; }
PROBE
# shellcheck disable=SC2086
"$out/bin/nvcc" -gencode=arch=compute_90a,code=sm_90a ${CXX:+-ccbin "$CXX"} -o "$work/probe" "$work/probe.cu" >"$work/probe.log" 2>&1 || {
  cat "$work/probe.log" >&2
  fail "the toolkit cannot compile a small program (see above; nvcc 12.4 takes GCC 6 to 13 as the host's compiler)"
}
echo "$stamp" >"$out/.complete"
rm -rf "$target"
mv "$out" "$target"
rm -rf "$work"
echo "$target"
