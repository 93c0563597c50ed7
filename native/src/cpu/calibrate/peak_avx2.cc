#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/unroll.h"
#include "cpu/simd/avx2.h"

namespace msc::calibrate {
namespace {

// More independent sums than latency times throughput needs (FMA: 5 cycles, 2 a cycle), within 16 registers.
constexpr int kFmaSums = 12;
// Six of each instruction in turn: on Zen 3 other orders and counts let additions take slots of the ports that multiply
// (96% of the ports' rate; 66% to 92% with 8 to 12 sums).
constexpr int kInt8Sums = 6;

uint32_t f32_loop(int64_t iterations) {
  __m256 sums[kFmaSums];
  for (int i = 0; i < kFmaSums; ++i) {
    sums[i] = _mm256_set1_ps(static_cast<float>(i));
    MSC_OPAQUE(sums[i]);
  }
  __m256 a = _mm256_set1_ps(1.0f);
  __m256 b = _mm256_set1_ps(0.5f);
  MSC_OPAQUE(a);
  MSC_OPAQUE(b);
  for (int64_t n = 0; n < iterations; ++n) {
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(a, b, sum);
    }
  }
  __m256 total = sums[0];
  for (int i = 1; i < kFmaSums; ++i) {
    total = _mm256_add_ps(total, sums[i]);
  }
  return static_cast<uint32_t>(_mm256_cvtss_f32(total));
}

uint32_t int8_loop(int64_t iterations) {
  __m256i sums[kInt8Sums];
  __m256i products[kInt8Sums];
  cpu::unroll<kInt8Sums>([&](auto i) {
    sums[i] = _mm256_set1_epi32(i);
    MSC_OPAQUE(sums[i]);
  });
  __m256i a = _mm256_set1_epi8(3);
  __m256i b = _mm256_set1_epi8(-5);
  __m256i ones = _mm256_set1_epi16(1);
  MSC_OPAQUE(b);
  MSC_OPAQUE(ones);
  for (int64_t n = 0; n < iterations; ++n) {
    cpu::unroll<kInt8Sums>([&](auto i) {
      MSC_OPAQUE(a);
      products[i] = _mm256_maddubs_epi16(a, b);
      MSC_OPAQUE(products[i]);
    });
    cpu::unroll<kInt8Sums>([&](auto i) {
      products[i] = _mm256_madd_epi16(products[i], ones);
      MSC_OPAQUE(products[i]);
    });
    cpu::unroll<kInt8Sums>([&](auto i) {
      sums[i] = _mm256_add_epi32(sums[i], products[i]);
      MSC_OPAQUE(sums[i]);
    });
  }
  __m256i total = _mm256_setzero_si256();
  cpu::unroll<kInt8Sums>([&](auto i) { total = _mm256_add_epi32(total, sums[i]); });
  return static_cast<uint32_t>(_mm256_cvtsi256_si32(total));
}

}  // namespace

const Peak kF32Avx2 = {f32_loop, kFmaSums * 8 * 2};
const Peak kInt8Avx2 = {int8_loop, kInt8Sums * 32 * 2};

}  // namespace msc::calibrate
