#pragma once

#include <cstdint>

#include "cpu/simd/avx512.h"

/// Vectors of the AVX-512 (F, BW, VL, DQ) level. Include from *_avx512.cc alone.
namespace msc::cpu::avx512 {

struct Simd {
  using Vec = __m512;
  static constexpr int kLanes = 16;
  static constexpr int kMaxRows = 12;  // 12 rows x 32 positions: 24 of 32 registers accumulate

  static Vec zero() { return _mm512_setzero_ps(); }
  static Vec set1(float x) { return _mm512_set1_ps(x); }
  static Vec load(const float* p) { return _mm512_loadu_ps(p); }
  static Vec load(const uint16_t* p) {  // bf16
    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
  }
  static Vec load(const int8_t* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
  }
  static void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
  static Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
  static Vec sub(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
  static Vec mul(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
  static Vec div(Vec a, Vec b) { return _mm512_div_ps(a, b); }
  static Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
  /// The second operand where either is NaN.
  static Vec min(Vec a, Vec b) { return _mm512_min_ps(a, b); }
  static Vec max(Vec a, Vec b) { return _mm512_max_ps(a, b); }
  /// 2^n where `t` = n + 1.5 * 2^23, n in [-126, 127].
  static Vec pow2_of_magic(Vec t) {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(exponent, _mm512_set1_epi32(0x3F800000)));
  }
  /// `value`, or 0 in lanes where x < limit.
  static Vec zero_below(Vec x, Vec limit, Vec value) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_NLT_UQ), value);
  }
  /// `value`, or infinity in lanes where x > limit.
  static Vec infinity_above(Vec x, Vec limit, Vec value) {
    return _mm512_mask_mov_ps(value, _mm512_cmp_ps_mask(x, limit, _CMP_GT_OQ), _mm512_set1_ps(__builtin_inff()));
  }
  /// `x`, or -infinity in lanes that are NaN.
  static Vec nan_to_lowest(Vec x) { return _mm512_max_ps(x, _mm512_set1_ps(-__builtin_inff())); }
  /// Bit i is set where lane i of a is greater than lane i of b.
  static unsigned greater_mask(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }

  static __m256 low_half(Vec v) { return _mm512_castps512_ps256(v); }
  static __m256 high_half(Vec v) { return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1)); }

  static float reduce_add(Vec v) {
    const __m256 eight = _mm256_add_ps(low_half(v), high_half(v));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  static float reduce_max(Vec v) {
    const __m256 eight = _mm256_max_ps(low_half(v), high_half(v));
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
  /// sum += the lanes of v, kept in double.
  struct DoubleSum {
    __m512d low = _mm512_setzero_pd();
    __m512d high = _mm512_setzero_pd();
    void add(Vec v) {
      low = _mm512_add_pd(low, _mm512_cvtps_pd(low_half(v)));
      high = _mm512_add_pd(high, _mm512_cvtps_pd(high_half(v)));
    }
    double total() const {
      const __m512d eight = _mm512_add_pd(low, high);
      const __m256d four = _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
      const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
      return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
  };
};

}  // namespace msc::cpu::avx512
