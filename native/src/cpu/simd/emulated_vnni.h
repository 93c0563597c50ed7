#pragma once

// AVX-VNNI dot products, by widening: exact, and wrapping in the 32-bit sum as the hardware.
#include "cpu/simd/emulated_lanes.h"

namespace {
namespace emulated {

template <class V>
inline V dpbusd(V sum, V a, V b) {
  const Lanes<uint8_t, V> x(a);
  const Lanes<int8_t, V> y(b);
  Lanes<uint32_t, V> result(sum);
  for (size_t i = 0; i < Lanes<uint8_t, V>::kCount; ++i) {
    result.lane[i / 4] += static_cast<uint32_t>(x.lane[i] * y.lane[i]);
  }
  return result.vector();
}

template <class V>
inline V dpwssd(V sum, V a, V b) {
  const Lanes<int16_t, V> x(a);
  const Lanes<int16_t, V> y(b);
  Lanes<uint32_t, V> result(sum);
  for (size_t i = 0; i < Lanes<int16_t, V>::kCount; ++i) {
    result.lane[i / 2] += static_cast<uint32_t>(x.lane[i] * y.lane[i]);
  }
  return result.vector();
}

}  // namespace emulated
}  // namespace

#undef _mm_dpbusd_avx_epi32
#define _mm_dpbusd_avx_epi32(s, a, b) emulated::dpbusd<__m128i>(s, a, b)
#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32(s, a, b) emulated::dpbusd<__m256i>(s, a, b)
#undef _mm_dpwssd_avx_epi32
#define _mm_dpwssd_avx_epi32(s, a, b) emulated::dpwssd<__m128i>(s, a, b)
#undef _mm256_dpwssd_avx_epi32
#define _mm256_dpwssd_avx_epi32(s, a, b) emulated::dpwssd<__m256i>(s, a, b)
