#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu/linear/gate_rule.h"
#include "cpu/linear/matrix_tile.h"
#include "cpu/weight/native_format.h"

namespace msc::cpu {

/// The form in which a kernel wants its input rows.
enum class InputKind {
  kFloat,  // [cols rounded up to 2] f32, zero after an odd last column
  kInt8,   // [cols / 32] ActivationBlock
  kBF16    // [cols rounded up to 2] bf16, zero after an odd last column
};
inline constexpr int kNumInputKinds = 3;

/// Where the results of a tile go.
struct TileTarget {
  const float* tile;  // [num_groups][num_rows][row_group]
  int num_groups;
  int num_rows;
  int64_t num_columns;  // output features from the first group's on; the rest is padding
  const float* bias;    // of the first feature, or NULL
  float* out;           // first row, first feature
  int64_t out_stride;
  bool accumulate;
  int64_t group_step = 1;  // between the groups, in row groups
};

/// tile += target.bias, for the gated epilogues, whose bias comes before the activation. @param lanes the row group.
void add_bias(const TileTarget& target, int64_t lanes, float* tile);

/// The kernels of one instruction set. Results of two instruction sets differ in rounding; within one they depend on
/// nothing but the weights and the row.
struct LinearKernels {
  MatrixKernel reference[kNumNativeFormats];  // want kFloat
  MatrixKernel fast[kNumNativeFormats];
  InputKind fast_input[kNumNativeFormats];
  void (*quantise_row)(const float* x, int64_t cols, std::byte* out);  // to kInt8
  void (*round_row)(const float* x, int64_t cols, std::byte* out);     // to kBF16; NULL where no kernel wants it
  /// gate = act(gate) * up; count is a multiple of the row group.
  void (*gate)(const GateRule& rule, float* gate, const float* up, int64_t count);
  /// values = act(values), act by msc_epilogue; count is a multiple of the row group.
  void (*activate)(int32_t epilogue, float* values, int64_t count);
  /// out = tile + bias, or out += tile + bias.
  void (*finish)(const TileTarget& target);
};

/// The kernels for an instruction-set level and the features in use (msc_isa, msc_cpu_feature).
const LinearKernels& linear_kernels(int32_t isa, uint32_t features);

// By file of their instruction set. The plain ones fill every entry; the others replace those they do better.
void set_kernels_portable(LinearKernels& kernels);
void set_kernels_avx2(LinearKernels& kernels);
void set_kernels_avxvnni(LinearKernels& kernels);
void set_kernels_avx512(LinearKernels& kernels);
void set_kernels_avx512vnni(LinearKernels& kernels);
void set_kernels_avx512bf16(LinearKernels& kernels);

}  // namespace msc::cpu
