#pragma once

#include <cstdint>
#include <cstring>

/// Vectors of the portable level: the compiler's generic 128-bit vectors, so that any baseline with four float lanes
/// (SSE2, NEON) is used. No fused multiply-add: fma() rounds twice here.
namespace msc::cpu::portable {

struct Simd {
  typedef float Vec __attribute__((vector_size(16)));
  typedef int32_t Ints __attribute__((vector_size(16)));
  static constexpr int kLanes = 4;
  static constexpr int kMaxRows = 3;  // rows of a micro-tile: 3 rows x 16 positions fill 12 of 16 registers

  static Vec zero() { return Vec{0, 0, 0, 0}; }
  static Vec set1(float x) { return Vec{x, x, x, x}; }
  static Vec load(const float* p) {
    Vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static Vec load(const uint16_t* p) {  // bf16
    Ints bits = {p[0], p[1], p[2], p[3]};
    return reinterpret_cast<Vec>(bits << 16);
  }
  static Vec load(const int8_t* p) {
    return Vec{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
  }
  static void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }
  static Vec add(Vec a, Vec b) { return a + b; }
  static Vec sub(Vec a, Vec b) { return a - b; }
  static Vec mul(Vec a, Vec b) { return a * b; }
  static Vec div(Vec a, Vec b) { return a / b; }
  static Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
  /// The second operand where either is NaN.
  static Vec min(Vec a, Vec b) { return a < b ? a : b; }
  static Vec max(Vec a, Vec b) { return a > b ? a : b; }
  /// 2^n where `t` = n + 1.5 * 2^23, n in [-126, 127].
  static Vec pow2_of_magic(Vec t) { return reinterpret_cast<Vec>((reinterpret_cast<Ints>(t) << 23) + 0x3F800000); }
  /// `value`, or 0 in lanes where x < limit.
  static Vec zero_below(Vec x, Vec limit, Vec value) {
    return reinterpret_cast<Vec>(reinterpret_cast<Ints>(value) & ~(x < limit));
  }
  /// `value`, or infinity in lanes where x > limit.
  static Vec infinity_above(Vec x, Vec limit, Vec value) { return x > limit ? set1(__builtin_inff()) : value; }
  /// `x`, or -infinity in lanes that are NaN.
  static Vec nan_to_lowest(Vec x) { return x == x ? x : set1(-__builtin_inff()); }
  /// Bit i is set where lane i of a is greater than lane i of b.
  static unsigned greater_mask(Vec a, Vec b) {
    const Ints m = a > b;
    return (m[0] & 1u) | (m[1] & 2u) | (m[2] & 4u) | (m[3] & 8u);
  }
  static float reduce_add(Vec v) { return (v[0] + v[2]) + (v[1] + v[3]); }
  static float reduce_max(Vec v) {
    const float a = v[0] > v[2] ? v[0] : v[2];
    const float b = v[1] > v[3] ? v[1] : v[3];
    return a > b ? a : b;
  }
  /// sum += the lanes of v, kept in double.
  struct DoubleSum {
    double lanes[4] = {0, 0, 0, 0};
    void add(Vec v) {
      for (int i = 0; i < 4; ++i) lanes[i] += static_cast<double>(v[i]);
    }
    double total() const { return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]); }
  };
};

}  // namespace msc::cpu::portable
