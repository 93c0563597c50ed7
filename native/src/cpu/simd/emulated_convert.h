#pragma once

// Conversions between element types; rounding to nearest even where the instruction rounds.
#include <cmath>

#include "cpu/simd/emulated_lanes.h"

namespace {
namespace emulated {

/// Out of range and NaN give the "integer indefinite" value, as the hardware.
inline int32_t to_int32(double value) {
  return value >= -2147483648.0 && value < 2147483648.0 ? static_cast<int32_t>(value) : INT32_MIN;
}

template <class To, class From>
inline To saturate(From value) {
  constexpr From kLow = static_cast<From>(static_cast<To>(-1) < 0 ? -(int64_t{1} << (8 * sizeof(To) - 1)) : 0);
  constexpr From kHigh =
      static_cast<From>((int64_t{1} << (8 * sizeof(To) - (static_cast<To>(-1) < 0 ? 1 : 0))) - 1);
  return static_cast<To>(value < kLow ? kLow : value > kHigh ? kHigh : value);
}

template <class To, class VTo, class From, class VFrom>
inline VTo convert(VFrom source) {
  return map<To, VTo, From>(source, [](From x) { return static_cast<To>(x); });
}

inline __m512i cvtps_epi32(__m512 a) {
  return map<int32_t, __m512i, float>(a, [](float x) { return to_int32(std::nearbyint(static_cast<double>(x))); });
}
inline __m512i cvttps_epi32(__m512 a) {
  return map<int32_t, __m512i, float>(a, [](float x) { return to_int32(std::trunc(static_cast<double>(x))); });
}

/// Two F16C instructions do what one AVX-512 instruction does.
inline __m512 cvtph_ps(__m256i a) {
  const __m256 low = _mm256_cvtph_ps(_mm256_castsi256_si128(a));
  const __m256 high = _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1));
  Lanes<__m256, __m512> result;
  result.lane[0] = low;
  result.lane[1] = high;
  return result.vector();
}
template <int kRounding>
inline __m256i cvtps_ph(__m512 a) {
  const Lanes<__m256, __m512> halves(a);
  return _mm256_set_m128i(_mm256_cvtps_ph(halves.lane[1], kRounding & 7), _mm256_cvtps_ph(halves.lane[0], kRounding & 7));
}

}  // namespace emulated
}  // namespace

#undef _mm512_cvtps_epi32
#define _mm512_cvtps_epi32(a) emulated::cvtps_epi32(a)
#undef _mm512_cvttps_epi32
#define _mm512_cvttps_epi32(a) emulated::cvttps_epi32(a)
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps(a) emulated::cvtph_ps(a)
#undef _mm512_cvtps_ph
#define _mm512_cvtps_ph(a, rounding) emulated::cvtps_ph<rounding>(a)
#undef _mm512_cvtepi32_ps
#define _mm512_cvtepi32_ps(a) emulated::convert<float, __m512, int32_t, __m512i>(a)
#undef _mm512_cvtepu32_ps
#define _mm512_cvtepu32_ps(a) emulated::convert<float, __m512, uint32_t, __m512i>(a)
#undef _mm512_cvtps_pd
#define _mm512_cvtps_pd(a) emulated::convert<double, __m512d, float, __m256>(a)
#undef _mm512_cvtpd_ps
#define _mm512_cvtpd_ps(a) emulated::convert<float, __m256, double, __m512d>(a)
#undef _mm512_cvtepi32_pd
#define _mm512_cvtepi32_pd(a) emulated::convert<double, __m512d, int32_t, __m256i>(a)
#undef _mm512_cvtepi8_epi16
#define _mm512_cvtepi8_epi16(a) emulated::convert<int16_t, __m512i, int8_t, __m256i>(a)
#undef _mm512_cvtepu8_epi16
#define _mm512_cvtepu8_epi16(a) emulated::convert<uint16_t, __m512i, uint8_t, __m256i>(a)
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32(a) emulated::convert<int32_t, __m512i, int8_t, __m128i>(a)
#undef _mm512_cvtepu8_epi32
#define _mm512_cvtepu8_epi32(a) emulated::convert<uint32_t, __m512i, uint8_t, __m128i>(a)
#undef _mm512_cvtepi16_epi32
#define _mm512_cvtepi16_epi32(a) emulated::convert<int32_t, __m512i, int16_t, __m256i>(a)
#undef _mm512_cvtepu16_epi32
#define _mm512_cvtepu16_epi32(a) emulated::convert<uint32_t, __m512i, uint16_t, __m256i>(a)
#undef _mm512_cvtepi32_epi64
#define _mm512_cvtepi32_epi64(a) emulated::convert<int64_t, __m512i, int32_t, __m256i>(a)
#undef _mm512_cvtepu32_epi64
#define _mm512_cvtepu32_epi64(a) emulated::convert<uint64_t, __m512i, uint32_t, __m256i>(a)
#undef _mm512_cvtepi32_epi16
#define _mm512_cvtepi32_epi16(a) emulated::convert<int16_t, __m256i, int32_t, __m512i>(a)
#undef _mm512_cvtepi32_epi8
#define _mm512_cvtepi32_epi8(a) emulated::convert<int8_t, __m128i, int32_t, __m512i>(a)
#undef _mm512_cvtepi16_epi8
#define _mm512_cvtepi16_epi8(a) emulated::convert<int8_t, __m256i, int16_t, __m512i>(a)
#undef _mm256_cvtepi32_epi16
#define _mm256_cvtepi32_epi16(a) emulated::convert<int16_t, __m128i, int32_t, __m256i>(a)
#undef _mm256_cvtepi32_epi8
#define _mm256_cvtepi32_epi8(a) emulated::convert<int8_t, __m128i, int32_t, __m256i>(a)
#undef _mm256_cvtepi16_epi8
#define _mm256_cvtepi16_epi8(a) emulated::convert<int8_t, __m128i, int16_t, __m256i>(a)
#undef _mm512_cvtsepi32_epi8
#define _mm512_cvtsepi32_epi8(a) \
  emulated::map<int8_t, __m128i, int32_t>(a, [](auto x) { return emulated::saturate<int8_t>(x); })
#undef _mm512_cvtusepi32_epi8
#define _mm512_cvtusepi32_epi8(a) \
  emulated::map<uint8_t, __m128i, uint32_t>(a, [](auto x) { return emulated::saturate<uint8_t>(x); })
#undef _mm512_cvtsepi32_epi16
#define _mm512_cvtsepi32_epi16(a) \
  emulated::map<int16_t, __m256i, int32_t>(a, [](auto x) { return emulated::saturate<int16_t>(x); })
#undef _mm512_cvtsepi16_epi8
#define _mm512_cvtsepi16_epi8(a) \
  emulated::map<int8_t, __m256i, int16_t>(a, [](auto x) { return emulated::saturate<int8_t>(x); })
#undef _mm256_cvtsepi32_epi8
#define _mm256_cvtsepi32_epi8(a) \
  emulated::map<int8_t, __m128i, int32_t>(a, [](auto x) { return emulated::saturate<int8_t>(x); })
#undef _mm256_cvtsepi16_epi8
#define _mm256_cvtsepi16_epi8(a) \
  emulated::map<int8_t, __m128i, int16_t>(a, [](auto x) { return emulated::saturate<int8_t>(x); })
