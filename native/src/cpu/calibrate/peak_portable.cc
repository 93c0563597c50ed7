#include <cstring>

#include "cpu/calibrate/kernels.h"
#include "cpu/calibrate/opaque.h"

namespace msc::calibrate {
namespace {

// 128-bit vectors: what every x86-64 (SSE2) and arm64 (Advanced SIMD) has.
using Floats __attribute__((vector_size(16))) = float;

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

/// An ordinary dot product of bytes in the first-level cache, as the compiler vectorises it.
uint32_t int8_loop(int64_t iterations) {
  constexpr int kElements = 1024;
  alignas(64) int8_t a[kElements];
  alignas(64) int8_t b[kElements];
  for (int i = 0; i < kElements; ++i) {
    a[i] = static_cast<int8_t>(i * 7);
    b[i] = static_cast<int8_t>(i * 13);
  }
  uint32_t total = 0;
  for (int64_t n = 0; n < iterations; ++n) {
    __asm__ volatile("" : : "r"(a), "r"(b) : "memory");
    int32_t sum = 0;
    for (int i = 0; i < kElements; ++i) {
      sum += static_cast<int32_t>(a[i]) * b[i];
    }
    total += static_cast<uint32_t>(sum);
  }
  return total;
}

}  // namespace

const Peak kF32Portable = {f32_loop, 8 * 4 * 2};
const Peak kInt8Portable = {int8_loop, 1024 * 2};

}  // namespace msc::calibrate
