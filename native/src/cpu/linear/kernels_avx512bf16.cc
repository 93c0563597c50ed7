#include "cpu/linear/float_kernel.h"
#include "cpu/linear/kernels.h"
#include "cpu/linear/vector_avx512.h"

namespace msc::cpu {
namespace {

struct VectorAvx512Bf16 : VectorAvx512 {
  /// sum + w[0] x[0] + w[1] x[1] of pairs of bf16.
  static Float dot_bf16(Float sum, Int w, Int x) {
    __m512bh left, right;
    static_assert(sizeof left == sizeof w);
    std::memcpy(&left, &w, sizeof w);
    std::memcpy(&right, &x, sizeof x);
    return _mm512_dpbf16_ps(sum, left, right);
  }
};

/// float32 to bf16, to nearest even; NaNs stay NaNs.
void round_row(const float* x, int64_t cols, std::byte* out) {
  for (int64_t k = 0; k < cols; ++k) {
    uint32_t bits;
    std::memcpy(&bits, x + k, 4);
    const bool nan = (bits & 0x7FFFFFFFu) > 0x7F800000u;
    const uint32_t rounded = nan ? bits | 0x400000u : bits + 0x7FFFu + (bits >> 16 & 1);
    const auto half = static_cast<uint16_t>(rounded >> 16);
    std::memcpy(out + 2 * k, &half, 2);
  }
}

}  // namespace

void set_kernels_avx512bf16(LinearKernels& kernels) {
  constexpr int kFormat = static_cast<int>(NativeFormat::kBF16);
  kernels.fast[kFormat] = float_matrix<VectorAvx512Bf16, LoadBF16Pairs>;
  kernels.fast_input[kFormat] = InputKind::kBF16;
  kernels.round_row = round_row;
}

}  // namespace msc::cpu
