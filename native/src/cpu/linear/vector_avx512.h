#pragma once

#include <cstdint>
#include <cstring>

#include "cpu/linear/round_block_avx2.h"
#include "cpu/simd/avx512.h"

namespace msc::cpu {
namespace {

/// Operations of the kernels on 16 lanes (AVX-512 F, BW, VL, DQ); see VectorAvx2.
struct VectorAvx512 : RoundBlockAvx2 {
  using Float = __m512;
  using Int = __m512i;
  static constexpr int kLanes = 16;
  static constexpr int kIntRows = 12;    // 12 sums and 12 partial sums of 32 registers
  static constexpr int kFloatRows = 12;  // by two groups: 24 sums

  static Float zero() { return _mm512_setzero_ps(); }
  static Float load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Float v) { _mm512_storeu_ps(p, v); }
  static Float broadcast(const float* p) { return _mm512_set1_ps(*p); }
  static Float set1(float x) { return _mm512_set1_ps(x); }
  static Float add(Float a, Float b) { return _mm512_add_ps(a, b); }
  static Float mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  static Float fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }

  static Int load_words(const void* p) { return _mm512_loadu_si512(p); }
  static Int broadcast_word(const void* p) {
    int32_t word;
    std::memcpy(&word, p, 4);
    return _mm512_set1_epi32(word);
  }
  static Int int_zero() { return _mm512_setzero_si512(); }
  static Int int_add(Int a, Int b) { return _mm512_add_epi32(a, b); }
  static Int int_sub(Int a, Int b) { return _mm512_sub_epi32(a, b); }
  template <int N>
  static Int shift_left(Int a) { return _mm512_slli_epi32(a, N); }
  template <int N>
  static Int shift_right_signed(Int a) { return _mm512_srai_epi32(a, N); }
  template <int N>
  static Int shift_right(Int a) { return _mm512_srli_epi32(a, N); }
  template <int N>
  static Int shift_halves_left(Int a) { return _mm512_slli_epi16(a, N); }
  template <int N>
  static Int shift_halves_right_signed(Int a) { return _mm512_srai_epi16(a, N); }
  static Int bit_and(Int a, Int b) { return _mm512_and_si512(a, b); }
  static Int bit_or(Int a, Int b) { return _mm512_or_si512(a, b); }
  static Int splat(uint32_t word) { return _mm512_set1_epi32(static_cast<int>(word)); }
  static Float to_float(Int a) { return _mm512_cvtepi32_ps(a); }
  static Float as_float(Int a) { return _mm512_castsi512_ps(a); }

  static Float load_half(const void* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static Float load_u8(const void* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p))));
  }
  static Int load_u8_words(const void* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static constexpr bool kHasLookup = true;
  static Int broadcast_table(const int8_t* table) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table)));
  }
  static Int lookup(Int table, Int index) { return _mm512_shuffle_epi8(table, index); }
  static Int load_i8_pairs(const void* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }

  static Int dot_pairs(Int a, Int b) { return _mm512_madd_epi16(a, b); }
  static Int start_small(Int w, Int x) { return _mm512_maddubs_epi16(w, x); }
  static Int add_small(Int sum, Int w, Int x) {
    sum = _mm512_add_epi16(sum, _mm512_maddubs_epi16(w, x));
    keep_order(sum);
    return sum;
  }
  static Int finish_small(Int sum) { return _mm512_madd_epi16(sum, _mm512_set1_epi16(1)); }

  static Int add_scaled(Int sum, Int scale, const Int (&w)[4], const Int (&x)[4]) {
    const Int first = _mm512_add_epi16(_mm512_maddubs_epi16(w[0], x[0]), _mm512_maddubs_epi16(w[1], x[1]));
    const Int second = _mm512_add_epi16(_mm512_maddubs_epi16(w[2], x[2]), _mm512_maddubs_epi16(w[3], x[3]));
    sum = _mm512_add_epi32(sum, _mm512_add_epi32(_mm512_madd_epi16(first, scale), _mm512_madd_epi16(second, scale)));
    keep_order(sum);
    return sum;
  }
  static Int dot_four(const Int (&w)[4], const Int (&x)[4]) {
    const Int first = _mm512_add_epi16(_mm512_maddubs_epi16(w[0], x[0]), _mm512_maddubs_epi16(w[1], x[1]));
    const Int second = _mm512_add_epi16(_mm512_maddubs_epi16(w[2], x[2]), _mm512_maddubs_epi16(w[3], x[3]));
    return _mm512_madd_epi16(_mm512_add_epi16(first, second), _mm512_set1_epi16(1));
  }
  static Int add_four(Int sum, const Int (&w)[4], const Int (&x)[4]) {
    sum = _mm512_add_epi32(sum, dot_four(w, x));
    keep_order(sum);
    return sum;
  }
  static Int first_scale(Int pairs) {
    return _mm512_or_si512(_mm512_and_si512(pairs, _mm512_set1_epi32(0xFFFF)), _mm512_slli_epi32(pairs, 16));
  }
  static Int second_scale(Int pairs) {
    return _mm512_or_si512(_mm512_and_si512(pairs, splat(0xFFFF0000u)), _mm512_srli_epi32(pairs, 16));
  }

  /// AVX-512 has no sign instruction: activations are negated under the mask of negative weights.
  struct Signed {
    Int magnitude;
    __mmask64 negative;
  };
  static Signed prepare_signed(Int words) { return {_mm512_abs_epi8(words), _mm512_movepi8_mask(words)}; }
  static Int start_signed(const int32_t*) { return int_zero(); }
  static Int add_signed(Int sum, const Signed& w, Int x) {
    const Int signed_x = _mm512_mask_sub_epi8(x, w.negative, _mm512_setzero_si512(), x);
    const Int pairs = _mm512_maddubs_epi16(w.magnitude, signed_x);
    sum = _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
    keep_order(sum);
    return sum;
  }

#if defined(MSC_EMULATE_AVX512)
  static void keep_order(Int&) {}
  static void keep_register(Float&) {}
#else
  static void keep_order(Int& sum) { asm("" : "+v"(sum)); }
  static void keep_register(Float& sum) { asm("" : "+v"(sum)); }
#endif
  static constexpr int kFloatPrefetchBytes = 2048;
  static constexpr int kInt8PrefetchBytes = 512;
  // Inlined early: GCC takes a call of a function that only prefetches for one without effect and drops it.
  [[gnu::always_inline]] static void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }
};

}  // namespace
}  // namespace msc::cpu
