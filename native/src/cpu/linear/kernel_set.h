#pragma once

#include "cpu/linear/five_bit_kernel.h"
#include "cpu/linear/fp4_kernel.h"
#include "cpu/linear/iq4_kernel.h"
#include "cpu/linear/float8_kernel.h"
#include "cpu/linear/grouped_kernel.h"
#include "cpu/linear/kernels.h"
#include "cpu/linear/q6_k_kernel.h"
#include "cpu/linear/q8_0_kernel.h"
#include "cpu/linear/quantise_row.h"
#include "cpu/linear/unpack_panel.h"

// Fills kernel tables from the templates for a type of vectors V. Include from kernels_*.cc alone; V lies in an
// unnamed namespace, so that nothing instantiated here is shared between instruction sets.
namespace msc::cpu {

template <class V>
void set_int8_kernels(LinearKernels& kernels) {
  const auto set = [&](NativeFormat format, MatrixKernel kernel) {
    kernels.fast[static_cast<int>(format)] = kernel;
    kernels.fast_input[static_cast<int>(format)] = InputKind::kInt8;
  };
  set(NativeFormat::kQ8_0, int8_matrix<V, Q8_0Kernel>);
  set(NativeFormat::kQ4_0, int8_matrix<V, NibbleKernel<ScalesQ4_0>>);
  set(NativeFormat::kQ4_1, int8_matrix<V, NibbleKernel<ScalesQ4_1>>);
  set(NativeFormat::kQ4_K, int8_matrix<V, NibbleKernel<ScalesQ4_K>>);
  set(NativeFormat::kQ6_K, int8_matrix<V, Q6_KKernel>);
  set(NativeFormat::kQ5_0, int8_matrix<V, FiveBitKernel<ScalesQ5_0>>);
  set(NativeFormat::kQ5_1, int8_matrix<V, FiveBitKernel<ScalesQ4_1>>);
  set(NativeFormat::kQ5_K, int8_matrix<V, FiveBitKernel<ScalesQ4_K>>);
  set(NativeFormat::kMXFP4, int8_matrix<V, Fp4Kernel<ScalesMXFP4>>);
  set(NativeFormat::kNVFP4, int8_matrix<V, Fp4Kernel<ScalesNVFP4>>);
  set(NativeFormat::kIQ4_NL, int8_matrix<V, Iq4Kernel<ScalesIQ4_NL>>);
  set(NativeFormat::kIQ4_XS, int8_matrix<V, Iq4Kernel<ScalesIQ4_XS>>);
  set(NativeFormat::kGroupedU4, int8_matrix<V, NibbleKernel<GroupedNibbleScales>>);
  set(NativeFormat::kGroupedI8, int8_matrix<V, GroupedInt8Kernel>);
}

template <class V>
void set_float_kernels(LinearKernels& kernels) {
  const auto set = [&](NativeFormat format, MatrixKernel kernel) {
    kernels.reference[static_cast<int>(format)] = kernel;
    kernels.fast[static_cast<int>(format)] = kernel;
    kernels.fast_input[static_cast<int>(format)] = InputKind::kFloat;
  };
  set(NativeFormat::kF32, float_matrix<V, LoadF32>);
  set(NativeFormat::kF16, float_matrix<V, LoadF16>);
  set(NativeFormat::kBF16, bf16_matrix<V>);
  set(NativeFormat::kQ8_0, panel_matrix<V, UnpackQ8_0>);
  set(NativeFormat::kQ4_0, panel_matrix<V, UnpackNibbles<ScalesQ4_0>>);
  set(NativeFormat::kQ4_1, panel_matrix<V, UnpackNibbles<ScalesQ4_1>>);
  set(NativeFormat::kQ4_K, panel_matrix<V, UnpackNibbles<ScalesQ4_K>>);
  set(NativeFormat::kQ6_K, panel_matrix<V, UnpackQ6_K>);
  set(NativeFormat::kQ5_0, panel_matrix<V, UnpackFiveBits<ScalesQ5_0>>);
  set(NativeFormat::kQ5_1, panel_matrix<V, UnpackFiveBits<ScalesQ4_1>>);
  set(NativeFormat::kQ5_K, panel_matrix<V, UnpackFiveBits<ScalesQ4_K>>);
  set(NativeFormat::kMXFP4, panel_matrix<V, UnpackCodes<ScalesMXFP4>>);
  set(NativeFormat::kNVFP4, panel_matrix<V, UnpackCodes<ScalesNVFP4>>);
  set(NativeFormat::kIQ4_NL, panel_matrix<V, UnpackCodes<ScalesIQ4_NL>>);
  set(NativeFormat::kIQ4_XS, panel_matrix<V, UnpackCodes<ScalesIQ4_XS>>);
  set(NativeFormat::kGroupedU4, panel_matrix<V, UnpackGroupedU4>);
  set(NativeFormat::kGroupedI8, panel_matrix<V, UnpackGroupedI8>);
  set(NativeFormat::kGroupedF8, float8_matrix<V>);
}

template <class V>
void finish_tile(const TileTarget& target) {
  for (int g = 0; g < target.num_groups; ++g) {
    const int64_t first = g * target.group_step * V::kLanes;
    const float* y = target.tile + static_cast<int64_t>(g) * target.num_rows * V::kLanes;
    const int64_t count = target.num_columns - first < V::kLanes ? target.num_columns - first : V::kLanes;
    for (int m = 0; m < target.num_rows; ++m, y += V::kLanes) {
      float* out = target.out + m * target.out_stride + first;
      if (count == V::kLanes) {
        auto value = V::load(y);
        value = target.bias == nullptr ? value : V::add(value, V::load(target.bias + first));
        V::store(out, target.accumulate ? V::add(V::load(out), value) : value);
        continue;
      }
      for (int64_t i = 0; i < count; ++i) {
        const float value = target.bias == nullptr ? y[i] : y[i] + target.bias[first + i];
        out[i] = target.accumulate ? out[i] + value : value;
      }
    }
  }
}

template <class V>
void set_all_kernels(LinearKernels& kernels) {
  set_float_kernels<V>(kernels);
  set_int8_kernels<V>(kernels);
  kernels.quantise_row = quantise_row<V>;
  kernels.finish = finish_tile<V>;
}

}  // namespace msc::cpu
