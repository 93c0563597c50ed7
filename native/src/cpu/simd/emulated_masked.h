#pragma once

// Masked loads and stores; memory behind clear mask bits is not touched, as on the hardware.
#include "cpu/simd/emulated_lanes.h"

namespace {
namespace emulated {

template <class T, class V, class M>
inline V mask_load(V otherwise, M mask, const void* address) {
  Lanes<T, V> result(otherwise);
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    if ((mask >> i) & 1) {
      std::memcpy(&result.lane[i], static_cast<const char*>(address) + i * sizeof(T), sizeof(T));
    }
  }
  return result.vector();
}

template <class T, class V, class M>
inline void mask_store(void* address, M mask, V value) {
  const Lanes<T, V> lanes(value);
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    if ((mask >> i) & 1) {
      std::memcpy(static_cast<char*>(address) + i * sizeof(T), &lanes.lane[i], sizeof(T));
    }
  }
}

}  // namespace emulated
}  // namespace

#undef _mm_maskz_loadu_ps
#define _mm_maskz_loadu_ps(k, p) emulated::mask_load<float, __m128, __mmask8>(__m128{}, k, p)
#undef _mm_mask_loadu_ps
#define _mm_mask_loadu_ps(v, k, p) emulated::mask_load<float, __m128, __mmask8>(v, k, p)
#undef _mm_mask_storeu_ps
#define _mm_mask_storeu_ps(p, k, v) emulated::mask_store<float, __m128, __mmask8>(p, k, v)
#undef _mm_maskz_loadu_pd
#define _mm_maskz_loadu_pd(k, p) emulated::mask_load<double, __m128d, __mmask8>(__m128d{}, k, p)
#undef _mm_mask_loadu_pd
#define _mm_mask_loadu_pd(v, k, p) emulated::mask_load<double, __m128d, __mmask8>(v, k, p)
#undef _mm_mask_storeu_pd
#define _mm_mask_storeu_pd(p, k, v) emulated::mask_store<double, __m128d, __mmask8>(p, k, v)
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8(k, p) emulated::mask_load<uint8_t, __m128i, __mmask16>(__m128i{}, k, p)
#undef _mm_mask_loadu_epi8
#define _mm_mask_loadu_epi8(v, k, p) emulated::mask_load<uint8_t, __m128i, __mmask16>(v, k, p)
#undef _mm_mask_storeu_epi8
#define _mm_mask_storeu_epi8(p, k, v) emulated::mask_store<uint8_t, __m128i, __mmask16>(p, k, v)
#undef _mm_maskz_loadu_epi16
#define _mm_maskz_loadu_epi16(k, p) emulated::mask_load<uint16_t, __m128i, __mmask8>(__m128i{}, k, p)
#undef _mm_mask_loadu_epi16
#define _mm_mask_loadu_epi16(v, k, p) emulated::mask_load<uint16_t, __m128i, __mmask8>(v, k, p)
#undef _mm_mask_storeu_epi16
#define _mm_mask_storeu_epi16(p, k, v) emulated::mask_store<uint16_t, __m128i, __mmask8>(p, k, v)
#undef _mm_maskz_loadu_epi32
#define _mm_maskz_loadu_epi32(k, p) emulated::mask_load<uint32_t, __m128i, __mmask8>(__m128i{}, k, p)
#undef _mm_mask_loadu_epi32
#define _mm_mask_loadu_epi32(v, k, p) emulated::mask_load<uint32_t, __m128i, __mmask8>(v, k, p)
#undef _mm_mask_storeu_epi32
#define _mm_mask_storeu_epi32(p, k, v) emulated::mask_store<uint32_t, __m128i, __mmask8>(p, k, v)
#undef _mm_maskz_loadu_epi64
#define _mm_maskz_loadu_epi64(k, p) emulated::mask_load<uint64_t, __m128i, __mmask8>(__m128i{}, k, p)
#undef _mm_mask_loadu_epi64
#define _mm_mask_loadu_epi64(v, k, p) emulated::mask_load<uint64_t, __m128i, __mmask8>(v, k, p)
#undef _mm_mask_storeu_epi64
#define _mm_mask_storeu_epi64(p, k, v) emulated::mask_store<uint64_t, __m128i, __mmask8>(p, k, v)
#undef _mm256_maskz_loadu_ps
#define _mm256_maskz_loadu_ps(k, p) emulated::mask_load<float, __m256, __mmask8>(__m256{}, k, p)
#undef _mm256_mask_loadu_ps
#define _mm256_mask_loadu_ps(v, k, p) emulated::mask_load<float, __m256, __mmask8>(v, k, p)
#undef _mm256_mask_storeu_ps
#define _mm256_mask_storeu_ps(p, k, v) emulated::mask_store<float, __m256, __mmask8>(p, k, v)
#undef _mm256_maskz_loadu_pd
#define _mm256_maskz_loadu_pd(k, p) emulated::mask_load<double, __m256d, __mmask8>(__m256d{}, k, p)
#undef _mm256_mask_loadu_pd
#define _mm256_mask_loadu_pd(v, k, p) emulated::mask_load<double, __m256d, __mmask8>(v, k, p)
#undef _mm256_mask_storeu_pd
#define _mm256_mask_storeu_pd(p, k, v) emulated::mask_store<double, __m256d, __mmask8>(p, k, v)
#undef _mm256_maskz_loadu_epi8
#define _mm256_maskz_loadu_epi8(k, p) emulated::mask_load<uint8_t, __m256i, __mmask32>(__m256i{}, k, p)
#undef _mm256_mask_loadu_epi8
#define _mm256_mask_loadu_epi8(v, k, p) emulated::mask_load<uint8_t, __m256i, __mmask32>(v, k, p)
#undef _mm256_mask_storeu_epi8
#define _mm256_mask_storeu_epi8(p, k, v) emulated::mask_store<uint8_t, __m256i, __mmask32>(p, k, v)
#undef _mm256_maskz_loadu_epi16
#define _mm256_maskz_loadu_epi16(k, p) emulated::mask_load<uint16_t, __m256i, __mmask16>(__m256i{}, k, p)
#undef _mm256_mask_loadu_epi16
#define _mm256_mask_loadu_epi16(v, k, p) emulated::mask_load<uint16_t, __m256i, __mmask16>(v, k, p)
#undef _mm256_mask_storeu_epi16
#define _mm256_mask_storeu_epi16(p, k, v) emulated::mask_store<uint16_t, __m256i, __mmask16>(p, k, v)
#undef _mm256_maskz_loadu_epi32
#define _mm256_maskz_loadu_epi32(k, p) emulated::mask_load<uint32_t, __m256i, __mmask8>(__m256i{}, k, p)
#undef _mm256_mask_loadu_epi32
#define _mm256_mask_loadu_epi32(v, k, p) emulated::mask_load<uint32_t, __m256i, __mmask8>(v, k, p)
#undef _mm256_mask_storeu_epi32
#define _mm256_mask_storeu_epi32(p, k, v) emulated::mask_store<uint32_t, __m256i, __mmask8>(p, k, v)
#undef _mm256_maskz_loadu_epi64
#define _mm256_maskz_loadu_epi64(k, p) emulated::mask_load<uint64_t, __m256i, __mmask8>(__m256i{}, k, p)
#undef _mm256_mask_loadu_epi64
#define _mm256_mask_loadu_epi64(v, k, p) emulated::mask_load<uint64_t, __m256i, __mmask8>(v, k, p)
#undef _mm256_mask_storeu_epi64
#define _mm256_mask_storeu_epi64(p, k, v) emulated::mask_store<uint64_t, __m256i, __mmask8>(p, k, v)
#undef _mm512_maskz_loadu_ps
#define _mm512_maskz_loadu_ps(k, p) emulated::mask_load<float, __m512, __mmask16>(__m512{}, k, p)
#undef _mm512_mask_loadu_ps
#define _mm512_mask_loadu_ps(v, k, p) emulated::mask_load<float, __m512, __mmask16>(v, k, p)
#undef _mm512_mask_storeu_ps
#define _mm512_mask_storeu_ps(p, k, v) emulated::mask_store<float, __m512, __mmask16>(p, k, v)
#undef _mm512_maskz_loadu_pd
#define _mm512_maskz_loadu_pd(k, p) emulated::mask_load<double, __m512d, __mmask8>(__m512d{}, k, p)
#undef _mm512_mask_loadu_pd
#define _mm512_mask_loadu_pd(v, k, p) emulated::mask_load<double, __m512d, __mmask8>(v, k, p)
#undef _mm512_mask_storeu_pd
#define _mm512_mask_storeu_pd(p, k, v) emulated::mask_store<double, __m512d, __mmask8>(p, k, v)
#undef _mm512_maskz_loadu_epi8
#define _mm512_maskz_loadu_epi8(k, p) emulated::mask_load<uint8_t, __m512i, __mmask64>(__m512i{}, k, p)
#undef _mm512_mask_loadu_epi8
#define _mm512_mask_loadu_epi8(v, k, p) emulated::mask_load<uint8_t, __m512i, __mmask64>(v, k, p)
#undef _mm512_mask_storeu_epi8
#define _mm512_mask_storeu_epi8(p, k, v) emulated::mask_store<uint8_t, __m512i, __mmask64>(p, k, v)
#undef _mm512_maskz_loadu_epi16
#define _mm512_maskz_loadu_epi16(k, p) emulated::mask_load<uint16_t, __m512i, __mmask32>(__m512i{}, k, p)
#undef _mm512_mask_loadu_epi16
#define _mm512_mask_loadu_epi16(v, k, p) emulated::mask_load<uint16_t, __m512i, __mmask32>(v, k, p)
#undef _mm512_mask_storeu_epi16
#define _mm512_mask_storeu_epi16(p, k, v) emulated::mask_store<uint16_t, __m512i, __mmask32>(p, k, v)
#undef _mm512_maskz_loadu_epi32
#define _mm512_maskz_loadu_epi32(k, p) emulated::mask_load<uint32_t, __m512i, __mmask16>(__m512i{}, k, p)
#undef _mm512_mask_loadu_epi32
#define _mm512_mask_loadu_epi32(v, k, p) emulated::mask_load<uint32_t, __m512i, __mmask16>(v, k, p)
#undef _mm512_mask_storeu_epi32
#define _mm512_mask_storeu_epi32(p, k, v) emulated::mask_store<uint32_t, __m512i, __mmask16>(p, k, v)
#undef _mm512_maskz_loadu_epi64
#define _mm512_maskz_loadu_epi64(k, p) emulated::mask_load<uint64_t, __m512i, __mmask8>(__m512i{}, k, p)
#undef _mm512_mask_loadu_epi64
#define _mm512_mask_loadu_epi64(v, k, p) emulated::mask_load<uint64_t, __m512i, __mmask8>(v, k, p)
#undef _mm512_mask_storeu_epi64
#define _mm512_mask_storeu_epi64(p, k, v) emulated::mask_store<uint64_t, __m512i, __mmask8>(p, k, v)
