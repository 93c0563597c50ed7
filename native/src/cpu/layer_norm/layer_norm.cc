#include "cpu/layer_norm/layer_norm.h"

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
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      row(input.row(r), weight, bias, input.cols, eps, out.row(r));
    }
  };
  ThreadPool& pool = stream.device->pool;
  if (pool.num_threads() == 1 || input.rows * input.cols < kInlineElements) {
    rows(0, input.rows);
    return;
  }
  pool.run([&](unsigned thread) {
    const Range range = split_range(input.rows, thread, pool.num_threads());
    rows(range.begin, range.end);
  });
}

}  // namespace msc::cpu
