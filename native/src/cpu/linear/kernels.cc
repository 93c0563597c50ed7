#include "cpu/linear/kernels.h"

#include "moesaic/device.h"

namespace msc::cpu {
namespace {

using SetKernels = void (*)(LinearKernels&);

LinearKernels make_kernels(SetKernels base, SetKernels first = nullptr, SetKernels second = nullptr) {
  LinearKernels kernels{};
  base(kernels);
  if (first != nullptr) {
    first(kernels);
  }
  if (second != nullptr) {
    second(kernels);
  }
  return kernels;
}

}  // namespace

void add_bias(const TileTarget& target, int64_t lanes, float* tile) {
  if (target.bias == nullptr) {
    return;
  }
  for (int g = 0; g < target.num_groups; ++g) {
    const int64_t first = g * target.group_step * lanes;
    for (int m = 0; m < target.num_rows; ++m, tile += lanes) {
      for (int64_t i = 0; i < lanes && first + i < target.num_columns; ++i) {
        tile[i] += target.bias[first + i];
      }
    }
  }
}

const LinearKernels& linear_kernels(int32_t isa, uint32_t features) {
#if defined(__x86_64__) || defined(_M_X64)
  if (isa == MSC_ISA_AVX512) {
    static const LinearKernels tables[4] = {
        make_kernels(set_kernels_avx512), make_kernels(set_kernels_avx512, set_kernels_avx512vnni),
        make_kernels(set_kernels_avx512, set_kernels_avx512bf16),
        make_kernels(set_kernels_avx512, set_kernels_avx512vnni, set_kernels_avx512bf16)};
    return tables[((features & MSC_CPU_FEATURE_AVX512_VNNI) != 0 ? 1 : 0) +
                  ((features & MSC_CPU_FEATURE_AVX512_BF16) != 0 ? 2 : 0)];
  }
  if (isa == MSC_ISA_AVX2) {
    static const LinearKernels tables[2] = {make_kernels(set_kernels_avx2),
                                            make_kernels(set_kernels_avx2, set_kernels_avxvnni)};
    return tables[(features & MSC_CPU_FEATURE_AVX_VNNI) != 0 ? 1 : 0];
  }
#else
  (void)isa;
  (void)features;
#endif
  static const LinearKernels table = make_kernels(set_kernels_portable);
  return table;
}

}  // namespace msc::cpu
