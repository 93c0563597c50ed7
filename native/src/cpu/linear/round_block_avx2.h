#pragma once

#include <cstdint>

#include "cpu/simd/avx2.h"

namespace msc::cpu {
namespace {

/// The two steps of quantise_row with 256-bit vectors; the AVX-512 kernels use them too.
struct RoundBlockAvx2 {
  static uint32_t max_bits(const float* x) {
    const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
    const auto magnitudes = [&](int i) {
      return _mm256_and_si256(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + 8 * i)), mask);
    };
    const __m256i eight = _mm256_max_epi32(_mm256_max_epi32(magnitudes(0), magnitudes(1)),
                                           _mm256_max_epi32(magnitudes(2), magnitudes(3)));
    __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    return static_cast<uint32_t>(_mm_cvtsi128_si32(four));
  }

  static void round_block(const float* x, float inverse, int8_t* q, int32_t* half_sums) {
    const __m256 factor = _mm256_set1_ps(inverse);
    const auto rounded = [&](int i) { return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), factor)); };
    // NaN and infinity round to the lowest integer: it is raised, so that no q is -128.
    const __m256i lowest = _mm256_set1_epi16(-127);
    const __m256i first = _mm256_max_epi16(_mm256_packs_epi32(rounded(0), rounded(1)), lowest);
    const __m256i second = _mm256_max_epi16(_mm256_packs_epi32(rounded(2), rounded(3)), lowest);
    // Packing interleaves the 128-bit halves: words 0 4 1 5 2 6 3 7 restore the order.
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(first, second),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(q), bytes);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums = _mm256_hadd_epi32(_mm256_madd_epi16(first, ones), _mm256_madd_epi16(second, ones));
    sums = _mm256_hadd_epi32(sums, sums);
    const __m128i both = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    half_sums[0] = _mm_cvtsi128_si32(both);
    half_sums[1] = _mm_extract_epi32(both, 1);
  }
};

}  // namespace
}  // namespace msc::cpu
