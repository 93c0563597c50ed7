#pragma once

#include "cuda_target.h"

namespace msc::cuda {

/// A bfloat16 in memory.
struct Bf16 {
  uint16_t bits;
};

__device__ __forceinline__ float load(const float* x) { return *x; }
__device__ __forceinline__ float load(const Bf16* x) { return __uint_as_float(static_cast<uint32_t>(x->bits) << 16); }
__device__ __forceinline__ void store(float* to, float x) { *to = x; }
__device__ __forceinline__ void store(Bf16* to, float x) { to->bits = bf16_bits(x); }

/// Elements that one access of 16 bytes moves.
template <class E>
inline constexpr int kPack = 16 / static_cast<int>(sizeof(E));

/// kPack<E> elements from an address that is a multiple of 16.
__device__ __forceinline__ void load_pack(const float* from, float (&x)[4]) {
  const float4 pack = *reinterpret_cast<const float4*>(from);
  x[0] = pack.x;
  x[1] = pack.y;
  x[2] = pack.z;
  x[3] = pack.w;
}
__device__ __forceinline__ void store_pack(float* to, const float (&x)[4]) {
  *reinterpret_cast<float4*>(to) = float4{x[0], x[1], x[2], x[3]};
}
__device__ __forceinline__ void load_pack(const Bf16* from, float (&x)[8]) {
  const uint4 pack = *reinterpret_cast<const uint4*>(from);
  const uint32_t words[4] = {pack.x, pack.y, pack.z, pack.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    x[2 * i] = __uint_as_float(words[i] << 16);
    x[2 * i + 1] = __uint_as_float(words[i] & 0xFFFF0000u);
  }
}
__device__ __forceinline__ void store_pack(Bf16* to, const float (&x)[8]) {
  uint32_t words[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    words[i] = bf16_bits(x[2 * i]) | static_cast<uint32_t>(bf16_bits(x[2 * i + 1])) << 16;
  }
  *reinterpret_cast<uint4*>(to) = uint4{words[0], words[1], words[2], words[3]};
}

}  // namespace msc::cuda
