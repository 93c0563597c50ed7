#pragma once

// What kernels include, here for nvcc: wrappers round what the host's compiler cannot read. The tests' header of the same
// name (native/tests/cuda/layer) is the other half; the include path chooses.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "cuda/device/stream.h"

/// `count` elements of T in the block's shared memory; nothing has written them when the block starts.
#define MSC_SHARED(T, name, count) __shared__ T name[count]
#define MSC_SHARED_DYNAMIC(T, name)                      \
  extern __shared__ __align__(128) unsigned char msc_dynamic_shared[]; \
  T* const name = reinterpret_cast<T*>(msc_dynamic_shared)

namespace msc::cuda {

/// Nearest bfloat16, ties to even.
__device__ __forceinline__ uint16_t bf16_bits(float x) { return __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

/// Nearest 8-bit float (E4M3), ties to even, beyond 448 the largest; NaN stays NaN.
__device__ __forceinline__ uint8_t f8_e4m3_bits(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }

/// Nearest integer, ties to even, within [-127, 127].
__device__ __forceinline__ int8_t int8_of(float x) {
  return static_cast<int8_t>(__float2int_rn(fminf(127.0f, fmaxf(-127.0f, x))));
}

/// Two bfloat16 of a register, the first in its low half.
__device__ __forceinline__ uint32_t bf16_pair(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return static_cast<uint32_t>(__bfloat16_as_ushort(pair.x)) | static_cast<uint32_t>(__bfloat16_as_ushort(pair.y)) << 16;
}
/// Both products, rounded; subnormal numbers count.
__device__ __forceinline__ uint32_t bf16_pair_product(uint32_t a, uint32_t b) {
  const auto pair = [](uint32_t x) {
    return __nv_bfloat162(__ushort_as_bfloat16(static_cast<uint16_t>(x)), __ushort_as_bfloat16(static_cast<uint16_t>(x >> 16)));
  };
  const __nv_bfloat162 product = __hmul2(pair(a), pair(b));
  return static_cast<uint32_t>(__bfloat16_as_ushort(product.x)) | static_cast<uint32_t>(__bfloat16_as_ushort(product.y)) << 16;
}

/// 2^x within 2 units in the last place; exact for 0 and -infinity.
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/// The value of float16 bits.
__device__ __forceinline__ float half_value(uint16_t bits) { return __half2float(__ushort_as_half(bits)); }

/// a - b of two bfloat16, each rounded to the nearest.
__device__ __forceinline__ uint32_t sub_bf16_pairs(uint32_t a, uint32_t b) {
  uint32_t difference;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(difference) : "r"(b), "r"(0xBF80BF80u), "r"(a));
  return difference;
}

/// 16 bytes from global to shared memory, of which `valid_bytes` (0 or 16) are read and the others become zero.
__device__ __forceinline__ void copy_async_16(void* shared, const void* global, unsigned valid_bytes = 16) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(address), "l"(global), "r"(valid_bytes) : "memory");
}
/// The same of 4 bytes, of which 0 or 4 are read.
__device__ __forceinline__ void copy_async_4(void* shared, const void* global, unsigned valid_bytes = 4) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(address), "l"(global), "r"(valid_bytes) : "memory");
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
template <unsigned kPending>
__device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

struct Extent {
  unsigned x = 1, y = 1, z = 1;
};

/// Throws Error for what a launch returned; launch_error.cu has the classes.
void check_launch(cudaError_t result, const char* kernel);

/// Enqueues `kernel(arguments...)` over a grid; errors of the launch are thrown.
template <class... Parameters>
void launch(const char* name, void (*kernel)(Parameters...), Extent grid, Extent block, size_t shared_bytes, Stream stream,
            Parameters... arguments) {
  // 48 KiB with what the kernel declares itself.
  constexpr size_t kSharedWithoutAsking = 16 * 1024;
  if (shared_bytes > kSharedWithoutAsking) {
    check_launch(cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shared_bytes)),
                 name);
  }
  void* pointers[] = {&arguments...};
  check_launch(cudaLaunchKernel(reinterpret_cast<const void*>(kernel), dim3(grid.x, grid.y, grid.z),
                                dim3(block.x, block.y, block.z), pointers, shared_bytes, stream),
               name);
}

}  // namespace msc::cuda
