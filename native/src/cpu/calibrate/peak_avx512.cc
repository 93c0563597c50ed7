#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/unroll.h"
#include "cpu/simd/avx512.h"

namespace msc::calibrate {
namespace {

constexpr int kFmaSums = 20;
constexpr int kInt8Sums = 8;  // in this order: see peak_avx2.cc

uint32_t f32_loop(int64_t iterations) {
  __m512 sums[kFmaSums];
  for (int i = 0; i < kFmaSums; ++i) {
    sums[i] = _mm512_set1_ps(static_cast<float>(i));
    MSC_OPAQUE512(sums[i]);
  }
  __m512 a = _mm512_set1_ps(1.0f);
  __m512 b = _mm512_set1_ps(0.5f);
  MSC_OPAQUE512(a);
  MSC_OPAQUE512(b);
  for (int64_t n = 0; n < iterations; ++n) {
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(a, b, sum);
    }
  }
  __m512 total = sums[0];
  for (int i = 1; i < kFmaSums; ++i) {
    total = _mm512_add_ps(total, sums[i]);
  }
  return static_cast<uint32_t>(_mm512_cvtss_f32(total));
}

uint32_t int8_loop(int64_t iterations) {
  __m512i sums[kInt8Sums];
  __m512i products[kInt8Sums];
  cpu::unroll<kInt8Sums>([&](auto i) {
    sums[i] = _mm512_set1_epi32(i);
    MSC_OPAQUE512(sums[i]);
  });
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(-5);
  __m512i ones = _mm512_set1_epi16(1);
  MSC_OPAQUE512(b);
  MSC_OPAQUE512(ones);
  for (int64_t n = 0; n < iterations; ++n) {
    cpu::unroll<kInt8Sums>([&](auto i) {
      MSC_OPAQUE512(a);
      products[i] = _mm512_maddubs_epi16(a, b);
      MSC_OPAQUE512(products[i]);
    });
    cpu::unroll<kInt8Sums>([&](auto i) {
      products[i] = _mm512_madd_epi16(products[i], ones);
      MSC_OPAQUE512(products[i]);
    });
    cpu::unroll<kInt8Sums>([&](auto i) {
      sums[i] = _mm512_add_epi32(sums[i], products[i]);
      MSC_OPAQUE512(sums[i]);
    });
  }
  __m512i total = _mm512_setzero_si512();
  cpu::unroll<kInt8Sums>([&](auto i) { total = _mm512_add_epi32(total, sums[i]); });
  return static_cast<uint32_t>(_mm512_cvtsi512_si32(total));
}

}  // namespace

const Peak kF32Avx512 = {f32_loop, kFmaSums * 16 * 2};
const Peak kInt8Avx512 = {int8_loop, kInt8Sums * 64 * 2};

}  // namespace msc::calibrate
