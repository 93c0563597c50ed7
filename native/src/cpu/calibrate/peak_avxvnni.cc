#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/avx2.h"

namespace msc::calibrate {
namespace {

constexpr int kSums = 12;

uint32_t int8_loop(int64_t iterations) {
  __m256i sums[kSums];
  for (int i = 0; i < kSums; ++i) {
    sums[i] = _mm256_set1_epi32(i);
    MSC_OPAQUE(sums[i]);
  }
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(-5);
  MSC_OPAQUE(a);
  MSC_OPAQUE(b);
  for (int64_t n = 0; n < iterations; ++n) {
    for (__m256i& sum : sums) {
      sum = _mm256_dpbusd_avx_epi32(sum, a, b);
    }
  }
  __m256i total = sums[0];
  for (int i = 1; i < kSums; ++i) {
    total = _mm256_add_epi32(total, sums[i]);
  }
  return static_cast<uint32_t>(_mm256_cvtsi256_si32(total));
}

}  // namespace

const Peak kInt8AvxVnni = {int8_loop, kSums * 32 * 2};

}  // namespace msc::calibrate
