#pragma once

// What kernels include, here for compilation by the host's compiler: CUDA's names on top of the layer. Device code is
// written once; the header of the same name in native/src/cuda/target is the other half.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda/device/stream.h"
#include "tests/cuda/layer/grid.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__

#define threadIdx (::cuda_on_cpu::thread_index())
#define blockIdx (::cuda_on_cpu::block_index())
#define blockDim (::cuda_on_cpu::block_size())
#define gridDim (::cuda_on_cpu::grid_size())

/// `count` elements of T in the block's shared memory; nothing has written them when the block starts.
#define MSC_SHARED(T, name, count) \
  T* const name = static_cast<T*>(::cuda_on_cpu::shared_object(__FILE__, __LINE__, sizeof(T) * (count)))
#define MSC_SHARED_DYNAMIC(T, name) T* const name = static_cast<T*>(::cuda_on_cpu::dynamic_shared())

#define __syncthreads() ::cuda_on_cpu::wait_for_block(__FILE__, __LINE__)

struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(8) uint2 {
  uint32_t x, y;
};
struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};

inline void __syncwarp(uint32_t mask = 0xFFFFFFFFu) {
  ::cuda_on_cpu::meet_in_warp(mask, "__syncwarp", nullptr, nullptr, true);
}

namespace cuda_on_cpu {

struct ShuffleLane {
  uint64_t value;
  unsigned source;  // lane to read
  bool outside;     // of the mask
};

void shuffle(void* const lanes[32], uint32_t mask);
void vote(void* const lanes[32], uint32_t mask);
/// The value of lane `source`; ends the launch when that lane is outside the mask.
uint64_t exchange(uint32_t mask, const char* operation, uint64_t value, unsigned source);

template <class T>
T exchange_as(uint32_t mask, const char* operation, T value, unsigned source) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = exchange(mask, operation, bits, source);
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

int32_t atomic_add_unseen(int32_t* address, int32_t value);
uint32_t atomic_add_unseen(uint32_t* address, uint32_t value);
float atomic_add_unseen(float* address, float value);
unsigned long long atomic_add_unseen(unsigned long long* address, unsigned long long value);
template <class T>
T atomic_add(T* address, T value) {
  on_aligned_access(address, sizeof(T), Access::kAtomic);
  return atomic_add_unseen(address, value);
}

}  // namespace cuda_on_cpu

template <class T>
T __shfl_sync(uint32_t mask, T value, unsigned source, unsigned width = 32) {
  const unsigned lane = ::cuda_on_cpu::lane();
  return ::cuda_on_cpu::exchange_as(mask, "__shfl_sync", value, (lane & ~(width - 1)) | (source & (width - 1)));
}

template <class T>
T __shfl_xor_sync(uint32_t mask, T value, unsigned lanes, unsigned width = 32) {
  const unsigned lane = ::cuda_on_cpu::lane();
  const unsigned source = lane ^ lanes;
  // Above the own segment a lane keeps its value.
  return ::cuda_on_cpu::exchange_as(mask, "__shfl_xor_sync", value, source > (lane | (width - 1)) ? lane : source);
}

template <class T>
T __shfl_down_sync(uint32_t mask, T value, unsigned lanes, unsigned width = 32) {
  const unsigned lane = ::cuda_on_cpu::lane();
  const bool inside = (lane & (width - 1)) + lanes < width;
  return ::cuda_on_cpu::exchange_as(mask, "__shfl_down_sync", value, inside ? lane + lanes : lane);
}

template <class T>
T __shfl_up_sync(uint32_t mask, T value, unsigned lanes, unsigned width = 32) {
  const unsigned lane = ::cuda_on_cpu::lane();
  const bool inside = (lane & (width - 1)) >= lanes;
  return ::cuda_on_cpu::exchange_as(mask, "__shfl_up_sync", value, inside ? lane - lanes : lane);
}

inline uint32_t __ballot_sync(uint32_t mask, int predicate) {
  uint32_t value = predicate != 0;
  ::cuda_on_cpu::meet_in_warp(mask, "__ballot_sync", &value, ::cuda_on_cpu::vote, false);
  return value;
}
inline int __any_sync(uint32_t mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(uint32_t mask, int predicate) { return __ballot_sync(mask, predicate) == mask; }

template <class T>
T atomicAdd(T* address, T value) {
  return ::cuda_on_cpu::atomic_add(address, value);
}

inline int __popc(uint32_t x) { return std::popcount(x); }
/// 32 for 0.
inline int __clz(uint32_t x) { return std::countl_zero(x); }
/// Four of the eight bytes of (x, y), x lowest, by the nibbles of `selector`.
inline uint32_t __byte_perm(uint32_t x, uint32_t y, uint32_t selector) {
  const uint64_t both = static_cast<uint64_t>(y) << 32 | x;
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= static_cast<uint32_t>(both >> (8 * (selector >> (4 * i) & 7)) & 0xFF) << (8 * i);
  }
  return result;
}

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __int_as_float(int32_t x) { return std::bit_cast<float>(x); }
inline uint32_t __float_as_uint(float x) { return std::bit_cast<uint32_t>(x); }
inline float __uint_as_float(uint32_t x) { return std::bit_cast<float>(x); }

namespace msc::cuda {

/// Nearest bfloat16, ties to even; the device's NaN for any NaN.
inline uint16_t bf16_bits(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return x != x ? uint16_t{0x7FFF} : static_cast<uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

/// Nearest 8-bit float (E4M3), ties to even, beyond 448 the largest; NaN stays NaN.
uint8_t f8_e4m3_bits(float x);

/// Nearest integer, ties to even, within [-127, 127].
inline int8_t int8_of(float x) {
  return static_cast<int8_t>(std::nearbyint(std::min(127.0f, std::max(-127.0f, x))));
}

/// Two bfloat16 of a register, the first in its low half.
inline uint32_t bf16_pair(float low, float high) { return bf16_bits(low) | static_cast<uint32_t>(bf16_bits(high)) << 16; }
/// Both products, rounded; subnormal numbers count.
inline uint32_t bf16_pair_product(uint32_t a, uint32_t b) {
  return bf16_pair(std::bit_cast<float>(a << 16) * std::bit_cast<float>(b << 16),
                   std::bit_cast<float>(a & 0xFFFF0000u) * std::bit_cast<float>(b & 0xFFFF0000u));
}

/// 2^x; subnormal results are 0, as the device has it.
inline float exp2_fast(float x) {
  const float y = std::exp2(x);
  return y < 0x1p-126f ? 0.0f : y;
}

/// The value of float16 bits.
inline float half_value(uint16_t bits) {
  const uint32_t magnitude = bits & 0x7FFFu;
  const float value = magnitude >= 0x7C00u ? std::bit_cast<float>(0x7F800000u | magnitude << 13)
                                           : std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  return (bits & 0x8000u) != 0 ? -value : value;
}

/// a - b of two bfloat16, each rounded to the nearest.
inline uint32_t sub_bf16_pairs(uint32_t a, uint32_t b) {
  const float low = std::bit_cast<float>(a << 16) - std::bit_cast<float>(b << 16);
  const float high = std::bit_cast<float>(a & 0xFFFF0000u) - std::bit_cast<float>(b & 0xFFFF0000u);
  return bf16_bits(low) | static_cast<uint32_t>(bf16_bits(high)) << 16;
}

/// 16 bytes from global to shared memory, of which `valid_bytes` (0 or 16) are read and the others become zero.
inline void copy_async_16(void* shared, const void* global, unsigned valid_bytes = 16) {
  ::cuda_on_cpu::copy_async(shared, global, 16, valid_bytes);
}
/// The same of 4 bytes, of which 0 or 4 are read.
inline void copy_async_4(void* shared, const void* global, unsigned valid_bytes = 4) {
  ::cuda_on_cpu::copy_async(shared, global, 4, valid_bytes);
}
inline void commit_copies() { ::cuda_on_cpu::commit_copies(); }
template <unsigned kPending>
void wait_for_copies() {
  ::cuda_on_cpu::wait_for_copies(kPending);
}

struct Extent {
  unsigned x = 1, y = 1, z = 1;
};

/// Runs `kernel(arguments...)` over a grid; errors of the launch are thrown.
template <class... Parameters>
void launch(const char* name, void (*kernel)(Parameters...), Extent grid, Extent block, size_t shared_bytes, Stream,
            Parameters... arguments) {
  // The compiler must not see which kernel this is, or it may have it read its parameters where the host keeps them.
  asm volatile("" : "+r"(kernel));
  // Not instrumented: what it copies the arguments from is the host's.
  const auto body = [&]() __attribute__((no_sanitize_thread)) { kernel(arguments...); };
  using Body = decltype(body);
  ::cuda_on_cpu::run_grid({name, {grid.x, grid.y, grid.z}, {block.x, block.y, block.z}, shared_bytes},
                          [](const void* context) __attribute__((no_sanitize_thread)) { (*static_cast<const Body*>(context))(); },
                          &body);
}

}  // namespace msc::cuda
