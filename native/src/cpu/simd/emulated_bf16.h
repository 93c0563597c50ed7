#pragma once

// BF16 instructions. Subnormal inputs count as zero and subnormal results become zero, whatever the control word says.
#include <bit>
#include <cmath>

#include "cpu/simd/emulated_lanes.h"

namespace {
namespace emulated {

inline float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }

inline float bf16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t float_to_bf16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(flushed(x));
  if (std::isnan(x)) {
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  }
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// VDPBF16PS: the odd element of a pair first, each step one fused multiply-add.
template <class V, class VB>
inline V dpbf16(V sum, VB a, VB b) {
  const Lanes<uint16_t, VB> x(a);
  const Lanes<uint16_t, VB> y(b);
  Lanes<float, V> result(sum);
  for (size_t i = 0; i < Lanes<float, V>::kCount; ++i) {
    for (const size_t j : {2 * i + 1, 2 * i}) {
      const float product_x = flushed(bf16_to_float(x.lane[j]));
      const float product_y = flushed(bf16_to_float(y.lane[j]));
      result.lane[i] = flushed(std::fma(product_x, product_y, flushed(result.lane[i])));
    }
  }
  return result.vector();
}

template <class VB, class V>
inline VB cvtneps(V a) {
  return map<uint16_t, VB, float>(a, float_to_bf16);
}

/// VCVTNE2PS2BF16: the second operand fills the lower half.
template <class VB, class V>
inline VB cvtne2ps(V high, V low) {
  constexpr size_t kHalf = Lanes<float, V>::kCount;
  const Lanes<float, V> h(high);
  const Lanes<float, V> l(low);
  Lanes<uint16_t, VB> result;
  for (size_t i = 0; i < kHalf; ++i) {
    result.lane[i] = float_to_bf16(l.lane[i]);
    result.lane[kHalf + i] = float_to_bf16(h.lane[i]);
  }
  return result.vector();
}

}  // namespace emulated
}  // namespace

#undef _mm_dpbf16_ps
#define _mm_dpbf16_ps(s, a, b) emulated::dpbf16<__m128, __m128bh>(s, a, b)
#undef _mm_cvtneps_pbh
#define _mm_cvtneps_pbh(a) emulated::cvtneps<__m128bh, __m128>(a)
#undef _mm_cvtne2ps_pbh
#define _mm_cvtne2ps_pbh(a, b) emulated::cvtne2ps<__m128bh, __m128>(a, b)
#undef _mm_cvtpbh_ps
#define _mm_cvtpbh_ps(a) emulated::map<float, __m128, uint16_t>((__m128bh)(a), emulated::bf16_to_float)
#undef _mm256_dpbf16_ps
#define _mm256_dpbf16_ps(s, a, b) emulated::dpbf16<__m256, __m256bh>(s, a, b)
#undef _mm256_cvtneps_pbh
#define _mm256_cvtneps_pbh(a) emulated::cvtneps<__m128bh, __m256>(a)
#undef _mm256_cvtne2ps_pbh
#define _mm256_cvtne2ps_pbh(a, b) emulated::cvtne2ps<__m256bh, __m256>(a, b)
#undef _mm256_cvtpbh_ps
#define _mm256_cvtpbh_ps(a) emulated::map<float, __m256, uint16_t>((__m128bh)(a), emulated::bf16_to_float)
#undef _mm512_dpbf16_ps
#define _mm512_dpbf16_ps(s, a, b) emulated::dpbf16<__m512, __m512bh>(s, a, b)
#undef _mm512_cvtneps_pbh
#define _mm512_cvtneps_pbh(a) emulated::cvtneps<__m256bh, __m512>(a)
#undef _mm512_cvtne2ps_pbh
#define _mm512_cvtne2ps_pbh(a, b) emulated::cvtne2ps<__m512bh, __m512>(a, b)
#undef _mm512_cvtpbh_ps
#define _mm512_cvtpbh_ps(a) emulated::map<float, __m512, uint16_t>((__m256bh)(a), emulated::bf16_to_float)
#undef _mm512_mask_dpbf16_ps
#define _mm512_mask_dpbf16_ps(s, k, a, b) \
  emulated::select<float, __m512, __mmask16>(k, emulated::dpbf16<__m512, __m512bh>(s, a, b), s)
