#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"
#include "cpu/simd/unroll.h"

namespace msc::calibrate {
namespace {

// 128-bit vectors: what every x86-64 (SSE2) and arm64 (Advanced SIMD) has.
using Floats __attribute__((vector_size(16))) = float;
using Ints __attribute__((vector_size(16))) = int32_t;
using Words __attribute__((vector_size(16))) = uint32_t;

// Chains of 4 cycles, 2 a cycle, within 16 registers. Zen 3: 84% of the multiplying ports' rate. Multiplications alone reach
// 2 a cycle and additions alone 4, but with one addition a multiplication the scheduler gives some of the multiplying ports'
// slots to additions: 81 to 89% in 270 orders of 8 to 13 chains and 3 to 7 sums, most at 6/7. Not the chains' length.
constexpr int kProducts = 8;
constexpr int kInt8Sums = 4;

uint32_t f32_loop(int64_t iterations) {
  constexpr int kSums = 8;
  Floats sums[kSums];
  for (int i = 0; i < kSums; ++i) {
    sums[i] = Floats{} + static_cast<float>(i);
    MSC_OPAQUE(sums[i]);
  }
  Floats a = Floats{} + 1.0f;
  const Floats b = Floats{} + 0.5f;
  for (int64_t n = 0; n < iterations; ++n) {
    for (Floats& sum : sums) {
      MSC_OPAQUE(a);
      sum = sum + a * b;
    }
  }
  Floats total = {};
  for (const Floats& sum : sums) {
    total = total + sum;
  }
  return static_cast<uint32_t>(total[0]);
}

/// Eight products of 16-bit values, added in pairs: what a byte dot product comes down to where no instruction multiplies
/// bytes. Widening the bytes is not counted: a kernel may share it among rows.
Ints dot_pairs(Ints a, Ints b) {
#if defined(__SSE2__)
  return reinterpret_cast<Ints>(_mm_madd_epi16(reinterpret_cast<__m128i>(a), reinterpret_cast<__m128i>(b)));
#else
  const auto low = [](Ints v) { return reinterpret_cast<Ints>(reinterpret_cast<Words>(v) << 16) >> 16; };
  return low(a) * low(b) + (a >> 16) * (b >> 16);
#endif
}

uint32_t int8_loop(int64_t iterations) {
  // Products replace their first factor, since baseline x86-64 would copy it otherwise: a third of the instructions.
  Ints products[kProducts];
  Ints sums[kInt8Sums];
  cpu::unroll<kProducts>([&](auto i) {
    products[i] = Ints{} + 0x00030003;
    MSC_OPAQUE(products[i]);
  });
  cpu::unroll<kInt8Sums>([&](auto i) {
    sums[i] = Ints{} + static_cast<int32_t>(i);
    MSC_OPAQUE(sums[i]);
  });
  Ints b = Ints{} + 0x00050005;
  MSC_OPAQUE(b);
  for (int64_t n = 0; n < iterations; ++n) {
    cpu::unroll<kProducts>([&](auto i) {
      products[i] = dot_pairs(products[i], b);
      MSC_OPAQUE(products[i]);
    });
    cpu::unroll<kProducts>([&](auto i) {
      constexpr int kSum = i % kInt8Sums;
      sums[kSum] = reinterpret_cast<Ints>(reinterpret_cast<Words>(sums[kSum]) + reinterpret_cast<Words>(products[i]));
      MSC_OPAQUE(sums[kSum]);
    });
  }
  Words total = {};
  cpu::unroll<kInt8Sums>([&](auto i) { total = total + reinterpret_cast<Words>(sums[i]); });
  return total[0];
}

}  // namespace

const Peak kF32Portable = {f32_loop, 8 * 4 * 2};
const Peak kInt8Portable = {int8_loop, kProducts * 8 * 2};

}  // namespace msc::calibrate
