#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/avx512.h"

namespace msc::calibrate {
namespace {

constexpr int kSums = 20;

uint32_t bf16_loop(int64_t iterations) {
  __m512 sums[kSums];
  for (int i = 0; i < kSums; ++i) {
    sums[i] = _mm512_set1_ps(static_cast<float>(i));
    MSC_OPAQUE512(sums[i]);
  }
  __m512i ones = _mm512_set1_epi16(0x3f80);
  MSC_OPAQUE512(ones);
  const __m512bh a = (__m512bh)ones;
  for (int64_t n = 0; n < iterations; ++n) {
    for (__m512& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, a, a);
    }
  }
  __m512 total = sums[0];
  for (int i = 1; i < kSums; ++i) {
    total = _mm512_add_ps(total, sums[i]);
  }
  return static_cast<uint32_t>(_mm512_cvtss_f32(total));
}

}  // namespace

const Peak kBf16Avx512 = {bf16_loop, kSums * 32 * 2};

}  // namespace msc::calibrate
