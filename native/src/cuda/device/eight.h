#pragma once

#include "cuda/device/element.h"

namespace msc::cuda {

/// Eight elements of a row; in packs, all of them exist and the address is a multiple of 16, else those behind `count` are 0.
template <bool kPacked, class E>
__device__ __forceinline__ void load_eight(const E* from, int64_t count, float (&x)[8]) {
  if constexpr (kPacked) {
#pragma unroll
    for (int i = 0; i < 8; i += kPack<E>) {
      float pack[kPack<E>];
      load_pack(from + i, pack);
#pragma unroll
      for (int k = 0; k < kPack<E>; ++k) {
        x[i + k] = pack[k];
      }
    }
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      x[i] = i < count ? load(from + i) : 0.0f;
    }
  }
}

template <bool kPacked, class E>
__device__ __forceinline__ void store_eight(E* to, int64_t count, const float (&x)[8]) {
  if constexpr (kPacked) {
#pragma unroll
    for (int i = 0; i < 8; i += kPack<E>) {
      float pack[kPack<E>];
#pragma unroll
      for (int k = 0; k < kPack<E>; ++k) {
        pack[k] = x[i + k];
      }
      store_pack(to + i, pack);
    }
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      if (i < count) {
        store(to + i, x[i]);
      }
    }
  }
}

}  // namespace msc::cuda
