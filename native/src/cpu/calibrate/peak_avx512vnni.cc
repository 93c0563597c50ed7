#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/avx512.h"

namespace msc::calibrate {
namespace {

constexpr int kSums = 20;

uint32_t int8_loop(int64_t iterations) {
  __m512i sums[kSums];
  for (int i = 0; i < kSums; ++i) {
    sums[i] = _mm512_set1_epi32(i);
    MSC_OPAQUE512(sums[i]);
  }
  __m512i a = _mm512_set1_epi8(3);
  __m512i b = _mm512_set1_epi8(-5);
  MSC_OPAQUE512(a);
  MSC_OPAQUE512(b);
  for (int64_t n = 0; n < iterations; ++n) {
    for (__m512i& sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, a, b);
    }
  }
  __m512i total = sums[0];
  for (int i = 1; i < kSums; ++i) {
    total = _mm512_add_epi32(total, sums[i]);
  }
  return static_cast<uint32_t>(_mm512_cvtsi512_si32(total));
}

}  // namespace

const Peak kInt8Avx512Vnni = {int8_loop, kSums * 64 * 2};

}  // namespace msc::calibrate
