#pragma once

// Reductions, broadcasts, comparisons and masks that SIMDe lacks.
#include "cpu/simd/emulated_lanes.h"

namespace {
namespace emulated {

/// Halves are combined until one lane is left: the order of the compilers' own _mm512_reduce_*.
template <class T, class V, class F>
inline T reduce(V a, F combine) {
  Lanes<T, V> x(a);
  for (size_t width = Lanes<T, V>::kCount / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; ++i) {
      x.lane[i] = combine(x.lane[i], x.lane[i + width]);
    }
  }
  return x.lane[0];
}

/// All of a smaller vector, again and again.
template <class VTo, class VFrom>
inline VTo repeat(VFrom a) {
  Lanes<VFrom, VTo> result;
  for (VFrom& lane : result.lane) {
    std::memcpy(&lane, &a, sizeof(VFrom));
  }
  return result.vector();
}

/// The smaller vector in the low lanes, zeros above.
template <class VTo, class VFrom>
inline VTo zero_extend(VFrom a) {
  VTo result{};
  std::memcpy(&result, &a, sizeof(VFrom));
  return result;
}

template <class T, class V>
inline T first(V a) {
  return Lanes<T, V>(a).lane[0];
}

inline __m512i broadcast_pair(__m128i a) { return _mm512_set1_epi64(_mm_cvtsi128_si64(a)); }

/// Every element of each pair becomes the pair's element `kOdd`.
template <class T, class V, size_t kOdd>
inline V duplicate(V a) {
  const Lanes<T, V> x(a);
  Lanes<T, V> result;
  for (size_t i = 0; i < Lanes<T, V>::kCount; ++i) {
    result.lane[i] = x.lane[(i & ~size_t{1}) + kOdd];
  }
  return result.vector();
}

template <class T, class V>
inline V shift_right_arithmetic(V a, V count) {
  return map2<T, V>(a, count, [](T x, T n) {
    constexpr int kTop = 8 * sizeof(T) - 1;
    return static_cast<T>(x >> (n < 0 || n > kTop ? kTop : n));
  });
}

}  // namespace emulated
}  // namespace

#undef _mm512_reduce_add_ps
#define _mm512_reduce_add_ps(a) emulated::reduce<float, __m512>(a, [](float x, float y) { return x + y; })
#undef _mm512_reduce_max_ps
#define _mm512_reduce_max_ps(a) emulated::reduce<float, __m512>(a, [](float x, float y) { return x > y ? x : y; })
#undef _mm512_reduce_min_ps
#define _mm512_reduce_min_ps(a) emulated::reduce<float, __m512>(a, [](float x, float y) { return x < y ? x : y; })
#undef _mm512_reduce_add_pd
#define _mm512_reduce_add_pd(a) emulated::reduce<double, __m512d>(a, [](double x, double y) { return x + y; })
#undef _mm512_reduce_add_epi32
#define _mm512_reduce_add_epi32(a) \
  static_cast<int>(emulated::reduce<uint32_t, __m512i>(a, [](uint32_t x, uint32_t y) { return x + y; }))
#undef _mm512_reduce_max_epi32
#define _mm512_reduce_max_epi32(a) emulated::reduce<int32_t, __m512i>(a, [](int x, int y) { return x > y ? x : y; })
#undef _mm512_reduce_min_epi32
#define _mm512_reduce_min_epi32(a) emulated::reduce<int32_t, __m512i>(a, [](int x, int y) { return x < y ? x : y; })

#undef _mm512_broadcast_i32x2
#define _mm512_broadcast_i32x2(a) emulated::broadcast_pair(a)
#undef _mm512_broadcast_i64x2
#define _mm512_broadcast_i64x2(a) emulated::repeat<__m512i, __m128i>(a)
#undef _mm512_broadcast_i32x8
#define _mm512_broadcast_i32x8(a) emulated::repeat<__m512i, __m256i>(a)
#undef _mm256_broadcast_i32x4
#define _mm256_broadcast_i32x4(a) emulated::repeat<__m256i, __m128i>(a)
#undef _mm512_zextsi256_si512
#define _mm512_zextsi256_si512(a) emulated::zero_extend<__m512i, __m256i>(a)
#undef _mm512_zextsi128_si512
#define _mm512_zextsi128_si512(a) emulated::zero_extend<__m512i, __m128i>(a)
#undef _mm512_zextps256_ps512
#define _mm512_zextps256_ps512(a) emulated::zero_extend<__m512, __m256>(a)
#undef _mm512_zextps128_ps512
#define _mm512_zextps128_ps512(a) emulated::zero_extend<__m512, __m128>(a)
#undef _mm512_cvtss_f32
#define _mm512_cvtss_f32(a) emulated::first<float, __m512>(a)
#undef _mm512_cvtsi512_si32
#define _mm512_cvtsi512_si32(a) emulated::first<int32_t, __m512i>(a)
#undef _mm512_undefined_ps
#define _mm512_undefined_ps() _mm512_setzero_ps()
#undef _mm512_undefined_epi32
#define _mm512_undefined_epi32() _mm512_setzero_si512()

#undef _mm512_moveldup_ps
#define _mm512_moveldup_ps(a) emulated::duplicate<float, __m512, 0>(a)
#undef _mm512_movehdup_ps
#define _mm512_movehdup_ps(a) emulated::duplicate<float, __m512, 1>(a)
#undef _mm512_movedup_pd
#define _mm512_movedup_pd(a) emulated::duplicate<double, __m512d, 0>(a)
#undef _mm512_srav_epi32
#define _mm512_srav_epi32(a, n) emulated::shift_right_arithmetic<int32_t, __m512i>(a, n)

#undef _mm512_srai_epi32
#define _mm512_srai_epi32(a, n) \
  emulated::shift_right_arithmetic<int32_t, __m512i>(a, _mm512_set1_epi32(static_cast<int>(n)))
#undef _mm512_extractf32x8_ps
#define _mm512_extractf32x8_ps(a, half) _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), half))

#undef _mm512_cmplt_epi32_mask
#define _mm512_cmplt_epi32_mask(a, b) \
  emulated::compare<int32_t, __mmask16, __m512i>(a, b, [](int x, int y) { return x < y; })
#undef _mm512_cmpneq_epi32_mask
#define _mm512_cmpneq_epi32_mask(a, b) \
  emulated::compare<int32_t, __mmask16, __m512i>(a, b, [](int x, int y) { return x != y; })
#undef _mm512_cmpeq_epi16_mask
#define _mm512_cmpeq_epi16_mask(a, b) \
  emulated::compare<int16_t, __mmask32, __m512i>(a, b, [](int x, int y) { return x == y; })
#undef _mm512_testn_epi32_mask
#define _mm512_testn_epi32_mask(a, b) \
  emulated::compare<uint32_t, __mmask16, __m512i>(a, b, [](uint32_t x, uint32_t y) { return (x & y) == 0; })
#undef _mm512_testn_epi8_mask
#define _mm512_testn_epi8_mask(a, b) \
  emulated::compare<uint8_t, __mmask64, __m512i>(a, b, [](uint8_t x, uint8_t y) { return (x & y) == 0; })
#undef _mm256_cmpeq_epi8_mask
#define _mm256_cmpeq_epi8_mask(a, b) \
  emulated::compare<int8_t, __mmask32, __m256i>(a, b, [](int x, int y) { return x == y; })
#undef _mm512_cmple_ps_mask
#define _mm512_cmple_ps_mask(a, b) _mm512_cmp_ps_mask(a, b, _CMP_LE_OS)
#undef _mm512_cmpnlt_ps_mask
#define _mm512_cmpnlt_ps_mask(a, b) _mm512_cmp_ps_mask(a, b, _CMP_NLT_US)

#undef _mm512_mask3_fmadd_ps
#define _mm512_mask3_fmadd_ps(a, b, c, k) \
  emulated::select<float, __m512, __mmask16>(k, _mm512_fmadd_ps(a, b, c), c)
#undef _mm512_maskz_cvtps_epi32
#define _mm512_maskz_cvtps_epi32(k, a) \
  emulated::select<int32_t, __m512i, __mmask16>(k, _mm512_cvtps_epi32(a), _mm512_setzero_si512())
#undef _mm512_maskz_cvtepi8_epi32
#define _mm512_maskz_cvtepi8_epi32(k, a) \
  emulated::select<int32_t, __m512i, __mmask16>(k, _mm512_cvtepi8_epi32(a), _mm512_setzero_si512())
#undef _mm256_mask_sub_epi8
#define _mm256_mask_sub_epi8(s, k, a, b) emulated::select<int8_t, __m256i, __mmask32>(k, _mm256_sub_epi8(a, b), s)

#undef _mm512_stream_ps
#define _mm512_stream_ps(p, v) _mm512_storeu_ps(p, v)
#undef _mm512_stream_si512
#define _mm512_stream_si512(p, v) _mm512_storeu_si512(p, v)
#undef _mm512_stream_load_si512
#define _mm512_stream_load_si512(p) _mm512_loadu_si512(p)
#undef _mm256_storeu_epi8
#define _mm256_storeu_epi8(p, v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v)
#undef _mm256_storeu_epi32
#define _mm256_storeu_epi32(p, v) _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v)
#undef _mm_storeu_epi8
#define _mm_storeu_epi8(p, v) _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v)

#undef _mm512_kand
#define _mm512_kand(a, b) static_cast<__mmask16>((a) & (b))
#undef _mm512_kor
#define _mm512_kor(a, b) static_cast<__mmask16>((a) | (b))
#undef _mm512_knot
#define _mm512_knot(a) static_cast<__mmask16>(~(a))
#undef _cvtu32_mask16
#define _cvtu32_mask16(a) static_cast<__mmask16>(a)
#undef _cvtu32_mask32
#define _cvtu32_mask32(a) static_cast<__mmask32>(a)
#undef _cvtu64_mask64
#define _cvtu64_mask64(a) static_cast<__mmask64>(a)
#undef _cvtmask16_u32
#define _cvtmask16_u32(a) static_cast<unsigned>(a)
