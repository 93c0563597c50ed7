#include "cpu/layer_norm/layer_norm.h"

#include "core/section.h"

namespace msc::cpu {
namespace {

// Below this many elements a call runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineElements = 32 * 1024;

LayerNormRow layer_norm_row(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return layer_norm_row_avx512;
  }
  if (isa == MSC_ISA_AVX2) {
    return layer_norm_row_avx2;
  }
#endif
  static_cast<void>(isa);
  return layer_norm_row_portable;
}

}  // namespace

void layer_norm(msc_stream& stream, Matrix<const float> input, const float* weight, const float* bias, float eps,
                Matrix<float> out) {
  const LayerNormRow row = layer_norm_row(stream.device->isa);
  const bool alone = input.rows * input.cols < kInlineElements;
  for_each_range(stream, input.rows, alone, [=](unsigned, Range range) {
    for (int64_t r = range.begin; r < range.end; ++r) {
      row(input.row(r), weight, bias, input.cols, eps, out.row(r));
    }
  });
}

}  // namespace msc::cpu
