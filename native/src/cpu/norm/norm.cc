#include "cpu/norm/norm.h"

#include "core/section.h"

namespace msc::cpu {
namespace {

// Below this many elements a call runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineElements = 64 * 1024;

}  // namespace

RmsNormRow rms_norm_row(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return rms_norm_row_avx512;
  }
  if (isa == MSC_ISA_AVX2) {
    return rms_norm_row_avx2;
  }
#endif
  static_cast<void>(isa);
  return rms_norm_row_portable;
}

RmsNormRow rms_norm_add_row(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return rms_norm_add_row_avx512;
  }
  if (isa == MSC_ISA_AVX2) {
    return rms_norm_add_row_avx2;
  }
#endif
  static_cast<void>(isa);
  return rms_norm_add_row_portable;
}

void rms_norm(msc_stream& stream, Matrix<const float> input, const float* weight, float eps, bool add, Matrix<float> out) {
  const RmsNormRow row = add ? rms_norm_add_row(stream.device->isa) : rms_norm_row(stream.device->isa);
  const bool alone = input.rows * input.cols < kInlineElements;
  for_each_range(stream, input.rows, alone, [=](unsigned, Range range) {
    for (int64_t r = range.begin; r < range.end; ++r) {
      row(input.row(r), weight, input.cols, eps, out.row(r));
    }
  });
}

}  // namespace msc::cpu
