#pragma once

#include <cstdint>

#include "cpu/linear/round_block_avx2.h"
#include "cpu/simd/avx2.h"

namespace msc::cpu {
namespace {

/// Operations of the kernels on 8 lanes (AVX2, FMA, F16C). Integer vectors hold 32-bit words, one a lane; a word of
/// weights or activations is 4 bytes of consecutive columns.
struct VectorAvx2 : RoundBlockAvx2 {
  using Float = __m256;
  using Int = __m256i;
  static constexpr int kLanes = 8;
  static constexpr int kIntRows = 6;    // rows of an integer tile: 6 sums, 6 partial sums, 4 operands
  static constexpr int kFloatRows = 6;  // rows of a float tile of two groups: 12 sums, 2 weights, 1 input

  static Float zero() { return _mm256_setzero_ps(); }
  static Float load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Float v) { _mm256_storeu_ps(p, v); }
  static Float broadcast(const float* p) { return _mm256_broadcast_ss(p); }
  static Float set1(float x) { return _mm256_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm256_add_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }

  static Int load_words(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Int broadcast_word(const void* p) {
    int32_t word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_set1_epi32(word);
  }
  static Int int_zero() { return _mm256_setzero_si256(); }
  static Int int_add(Int a, Int b) { return _mm256_add_epi32(a, b); }
  static Int int_sub(Int a, Int b) { return _mm256_sub_epi32(a, b); }
  template <int N>
  static Int shift_left(Int a) { return _mm256_slli_epi32(a, N); }
  template <int N>
  static Int shift_right_signed(Int a) { return _mm256_srai_epi32(a, N); }
  template <int N>
  static Int shift_right(Int a) { return _mm256_srli_epi32(a, N); }
  /// Of the 16-bit halves of the words.
  template <int N>
  static Int shift_halves_left(Int a) { return _mm256_slli_epi16(a, N); }
  template <int N>
  static Int shift_halves_right_signed(Int a) { return _mm256_srai_epi16(a, N); }
  static Int bit_and(Int a, Int b) { return _mm256_and_si256(a, b); }
  static Int bit_or(Int a, Int b) { return _mm256_or_si256(a, b); }
  static Int splat(uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }
  static Float to_float(Int a) { return _mm256_cvtepi32_ps(a); }
  static Float as_float(Int a) { return _mm256_castsi256_ps(a); }

  /// f16 and u8 of 8 rows as floats; pairs of i8 of 8 rows as pairs of i16.
  static Float load_half(const void* p) { return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(p))); }
  static Float load_u8(const void* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p))));
  }
  static Int load_u8_words(const void* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  /// 16 bytes to look up in: lookup gives byte i of the table for each byte i < 16.
  static constexpr bool kHasLookup = true;
  static Int broadcast_table(const int8_t* table) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  }
  static Int lookup(Int table, Int index) { return _mm256_shuffle_epi8(table, index); }
  static Int load_i8_pairs(const void* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }

  /// Sums of pairs of products of i16.
  static Int dot_pairs(Int a, Int b) { return _mm256_madd_epi16(a, b); }

  /// Sums of products of 4-bit weights and activations, kept in 16 bits: 8 words of at most 2 * 15 * 127 a half.
  static Int start_small(Int w, Int x) { return _mm256_maddubs_epi16(w, x); }
  static Int add_small(Int sum, Int w, Int x) {
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, x));
    keep_order(sum);
    return sum;
  }
  static Int finish_small(Int sum) { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }

  /// sum + scale * (4 words of 6-bit weights times activations): two words fit 16 bits, 4 * 63 * 127 a half.
  /// `scale` holds its row's scale twice, as pairs of i16.
  static Int add_scaled(Int sum, Int scale, const Int (&w)[4], const Int (&x)[4]) {
    const Int first = _mm256_add_epi16(_mm256_maddubs_epi16(w[0], x[0]), _mm256_maddubs_epi16(w[1], x[1]));
    const Int second = _mm256_add_epi16(_mm256_maddubs_epi16(w[2], x[2]), _mm256_maddubs_epi16(w[3], x[3]));
    sum = _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(first, scale), _mm256_madd_epi16(second, scale)));
    keep_order(sum);
    return sum;
  }
  /// Four words of 5-bit weights times activations, 4 * 31 * 2 * 127 a half at most; added to a sum.
  static Int dot_four(const Int (&w)[4], const Int (&x)[4]) {
    const Int first = _mm256_add_epi16(_mm256_maddubs_epi16(w[0], x[0]), _mm256_maddubs_epi16(w[1], x[1]));
    const Int second = _mm256_add_epi16(_mm256_maddubs_epi16(w[2], x[2]), _mm256_maddubs_epi16(w[3], x[3]));
    return _mm256_madd_epi16(_mm256_add_epi16(first, second), _mm256_set1_epi16(1));
  }
  static Int add_four(Int sum, const Int (&w)[4], const Int (&x)[4]) {
    sum = _mm256_add_epi32(sum, dot_four(w, x));
    keep_order(sum);
    return sum;
  }
  /// The first or second of each pair of i16, in the form that add_scaled wants.
  static Int first_scale(Int pairs) {
    return _mm256_or_si256(_mm256_and_si256(pairs, _mm256_set1_epi32(0xFFFF)), _mm256_slli_epi32(pairs, 16));
  }
  static Int second_scale(Int pairs) {
    return _mm256_blend_epi16(_mm256_srli_epi32(pairs, 16), pairs, 0xAA);
  }

  /// Signed weights, prepared once for several rows of activations.
  struct Signed {
    Int magnitude;
    Int value;
  };
  static Signed prepare_signed(Int words) { return {_mm256_abs_epi8(words), words}; }
  /// Start of a sum of signed products; `minus_128_sum` counts where the weights are taken as w + 128.
  static Int start_signed(const int32_t*) { return int_zero(); }
  static Int add_signed(Int sum, const Signed& w, Int x) {
    // |w| <= 128 and |x| <= 127: a pair sums to at most 32512.
    const Int pairs = _mm256_maddubs_epi16(w.magnitude, _mm256_sign_epi8(x, w.value));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    keep_order(sum);
    return sum;
  }

  /// Keeps GCC from turning a chain of integer additions into a tree, which needs all products at once and spills them.
  static void keep_order(Int& sum) { asm("" : "+x"(sum)); }
  /// Keeps GCC from renaming a sum between unrolled steps, for which it runs out of registers.
  static void keep_register(Float& sum) { asm("" : "+x"(sum)); }

  static constexpr int kFloatPrefetchBytes = 2048;
  static constexpr int kInt8PrefetchBytes = 512;
  // Inlined early: GCC takes a call of a function that only prefetches for one without effect and drops it.
  [[gnu::always_inline]] static void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
};

}  // namespace
}  // namespace msc::cpu
