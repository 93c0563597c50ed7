// Products by a warp: all lanes' registers are gathered by the fragment layouts of the PTX ISA, multiplied plainly and
// handed back. Not instrumented: this reads what other lanes hold.
#include "tests/cuda/layer/mma_target.h"

#include <array>


namespace cuda_on_cpu {
namespace {

constexpr int kRows = 16;
constexpr int kCols = 8;

float value_of_e4m3(uint8_t code) {
  const int exponent = code >> 3 & 15;
  const float mantissa = static_cast<float>(code & 7) / 8.0f;
  const float magnitude = (code & 0x7F) == 0x7F ? std::nanf("")
                          : exponent == 0       ? std::ldexp(mantissa, -6)
                                                : std::ldexp(1.0f + mantissa, exponent - 7);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

/// Element `i` of a register.
struct OfBf16 {
  static constexpr int kElements = 2;
  static float value(uint32_t bits, int i) { return std::bit_cast<float>((i == 0 ? bits << 16 : bits & 0xFFFF0000u)); }
};
struct OfS8 {
  static constexpr int kElements = 4;
  static int32_t value(uint32_t bits, int i) { return static_cast<int8_t>(bits >> (8 * i)); }
};
struct OfE4m3 {
  static constexpr int kElements = 4;
  static float value(uint32_t bits, int i) {
    static const auto kValues = [] {
      std::array<float, 256> values;
      for (size_t code = 0; code < values.size(); ++code) {
        values[code] = value_of_e4m3(static_cast<uint8_t>(code));
      }
      return values;
    }();
    return kValues[bits >> (8 * i) & 0xFF];
  }
};

/// D += A B, sums by ascending k.
template <class Of, class D>
void multiply(void* const lanes[32]) {
  constexpr int e = Of::kElements;
  constexpr int kDepth = 8 * e;
  using Value = decltype(Of::value(0, 0));
  Value a[kRows][kDepth];
  Value b[kDepth][kCols];
  D d[kRows][kCols];
  for (int lane = 0; lane < 32; ++lane) {
    const auto& mine = *static_cast<const MmaLane*>(lanes[lane]);
    const int g = lane / 4;
    const int t = lane % 4;
    for (int r = 0; r < 4; ++r) {
      for (int i = 0; i < e; ++i) {
        a[g + r % 2 * 8][e * t + i + r / 2 * 4 * e] = Of::value(mine.a[r], i);
      }
      d[g + r / 2 * 8][2 * t + r % 2] = static_cast<const D*>(mine.d)[r];
    }
    for (int r = 0; r < 2; ++r) {
      for (int i = 0; i < e; ++i) {
        b[e * t + i + r * 4 * e][g] = Of::value(mine.b[r], i);
      }
    }
  }
  for (int row = 0; row < kRows; ++row) {
    for (int k = 0; k < kDepth; ++k) {
      for (int col = 0; col < kCols; ++col) {
        d[row][col] += a[row][k] * b[k][col];
      }
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int r = 0; r < 4; ++r) {
      static_cast<D*>(static_cast<const MmaLane*>(lanes[lane])->d)[r] = d[lane / 4 + r / 2 * 8][2 * (lane % 4) + r % 2];
    }
  }
}

uint16_t element(const void* row, int i) {
  uint16_t bits = 0;
  std::memcpy(&bits, static_cast<const std::byte*>(row) + 2 * i, sizeof bits);
  return bits;
}

}  // namespace

void mma_bf16(void* const lanes[32], uint32_t) { multiply<OfBf16, float>(lanes); }
void mma_e4m3(void* const lanes[32], uint32_t) { multiply<OfE4m3, float>(lanes); }

void mma_s8(void* const lanes[32], uint32_t) {
  // Sums wrap, as those of unsigned integers do.
  multiply<OfS8, uint32_t>(lanes);
}

template <int kCount, bool kTransposed>
void matrices(void* const lanes[32], uint32_t) {
  for (int lane = 0; lane < 32; ++lane) {
    const int g = lane / 4;
    const int t = lane % 4;
    for (int i = 0; i < kCount; ++i) {
      const auto row = [&](int r) { return static_cast<const MatrixLane*>(lanes[8 * i + r])->row; };
      const uint16_t low = kTransposed ? element(row(2 * t), g) : element(row(g), 2 * t);
      const uint16_t high = kTransposed ? element(row(2 * t + 1), g) : element(row(g), 2 * t + 1);
      static_cast<MatrixLane*>(lanes[lane])->r[i] = low | static_cast<uint32_t>(high) << 16;
    }
  }
}
template void matrices<2, false>(void* const lanes[32], uint32_t);
template void matrices<4, false>(void* const lanes[32], uint32_t);
template void matrices<4, true>(void* const lanes[32], uint32_t);

void on_matrix_row(const void* row) {
  if (!memory().is_shared(row, 16)) {
    fail_thread(FaultKind::kBounds, "a row of a matrix does not lie in shared memory");
  }
  on_aligned_access(row, 16, Access::kRead);
}

}  // namespace cuda_on_cpu
