#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device/host_device.h"
#include "cuda/device/stream.h"
#include "cuda/device/type.h"
#include "cuda/linear/tiled_weight.h"
#include "cuda/moe/expert_sort.h"

namespace msc::cuda {

enum class LinearEpilogue : int32_t {
  kStore,
  kAdd,            // out = out + y
  kSwiglu,         // of two targets, gate and up: silu(gate) * up, into the first one's out
  kGeluTanhGlu,    // likewise gelu_tanh(gate) * up
  kSwigluClamped,  // likewise; see gate.h
  kGelu,           // gelu(y) = y (1 + erf(y / sqrt(2))) / 2
  kGeluTanh,
  kRelu,
};

MSC_HOST_DEVICE inline bool is_gated(LinearEpilogue epilogue) {
  return epilogue == LinearEpilogue::kSwiglu || epilogue == LinearEpilogue::kGeluTanhGlu ||
         epilogue == LinearEpilogue::kSwigluClamped;
}

inline constexpr int kMostLinearTargets = 4;

/// One weight, or a stack of one per expert, and where its products go.
struct LinearTarget {
  TiledLayout layout;
  const void* weight;   // matrices layout.matrix_bytes apart; a multiple of 256
  const float* bias;    // [experts, layout.rows] or NULL
  void* out;            // [rows, layout.rows]; not used in the second target of a gated epilogue
  int64_t out_stride;   // elements from one row to the next
};

/// Rows that belong to experts, as expert_sort.h orders them: row r of the product multiplies the matrix of its expert.
struct LinearExperts {
  const ExpertTile* tiles;     // NULL: a dense product
  const int32_t* num_tiles;
  int64_t most_tiles;
  int64_t tile_rows;           // most rows of a tile: 8, 16, 32 or 128
  int64_t num_experts;         // in each target's stack
  const int32_t* input_rows;   // input row of each row of the product, or NULL: the same
};

/// y = W x + bias of up to four weights that share their input, or of the experts of a layer; products of bfloat16
/// inputs with exact codes, float32 sums, scales in float32. A row of the result depends on that row of the input alone, bit
/// for bit, whichever kernel runs (src/decisions/cuda-products.md).
struct LinearParams {
  LinearEpilogue epilogue;
  float alpha;               // of kSwigluClamped
  float limit;
  ElementType out_type;
  int64_t rows;              // of a dense product
  const void* input;         // [rows, cols] bfloat16; the address and a row's bytes are multiples of 16
  int64_t input_stride;      // elements
  int32_t num_targets;
  LinearTarget targets[kMostLinearTargets];
  LinearExperts experts;
  /// What tiles of expert number experts.num_experts multiply instead: the shared expert, of any width.
  int32_t num_shared;        // 0, or num_targets
  LinearTarget shared[2];
};

enum class LinearKernel : int32_t {
  kByRows,
  kStream8,   // weights stream past 8, 16 or 32 rows at a time
  kStream16,
  kStream32,
  kTile128,   // blocks of 128 features by 128 rows
};

struct LinearPlan {
  LinearKernel kernel;
  int64_t row_blocks;      // tiles of rows: as many as there may be
  int64_t pairs;           // pairs of weight tiles of all targets
  int64_t pairs_of_block;
  int64_t scale_bytes;     // of one weight tile's step in shared memory
  unsigned threads;
  unsigned blocks;
  size_t shared_bytes;
};

/// Rows per tile for an expert layer where each touched expert has about `rows` rows.
int64_t expert_tile_rows(int64_t rows);

/// Throws Error (bad argument) naming the field that is wrong. `wanted`: for tests and tuning; every kernel gives the same bits.
LinearPlan plan_linear(const LinearParams& params, LinearKernel wanted = LinearKernel::kByRows);
void launch_linear(const LinearParams& params, const LinearPlan& plan, Stream stream);

}  // namespace msc::cuda
