#include <cmath>
#include <cstring>

#include "cuda/device/plan.h"
#include "cuda/linear/linear.h"
#include "cuda/linear/linear_launch.h"
#include "cuda/linear/linear_layout.h"

namespace msc::cuda {
namespace {

constexpr int64_t kMostSharedBytes = 227 * 1024;  // of a block of compute capability 9.0
/// Blocks that keep 132 processors busy: a few on each, twice over.
constexpr int64_t kWantedBlocks = 132 * 6;
constexpr int64_t kMostPairsOfBlock = 8;

int64_t rows_of(LinearKernel kernel) {
  switch (kernel) {
    case LinearKernel::kStream8:
      return 8;
    case LinearKernel::kStream16:
      return 16;
    case LinearKernel::kStream32:
      return 32;
    default:
      return kTileBlockRows;
  }
}

/// The kernel whose blocks have this many rows.
LinearKernel kernel_of(int64_t rows) {
  return rows <= 8 ? LinearKernel::kStream8 : rows <= 16 ? LinearKernel::kStream16 : rows <= 32 ? LinearKernel::kStream32 : LinearKernel::kTile128;
}

bool same_layout(const TiledLayout& a, const TiledLayout& b) {
  return a.row_tiles == b.row_tiles && a.steps == b.steps && a.groups == b.groups && a.step_bytes == b.step_bytes &&
         a.group_bytes == b.group_bytes && a.scales_offset == b.scales_offset && a.matrix_bytes == b.matrix_bytes;
}

void check_target(const LinearParams& params, const LinearTarget& target, const LinearTarget& first, int index, const char* what,
                  bool has_out) {
  const TiledLayout& layout = target.layout;
  MSC_CHECK_ARGUMENT(same_layout(layout, lay_out_weight(layout.format, layout.rows, layout.cols)),
                     "linear: the layout of %s %d is not that of its format, rows and cols: take it from lay_out_weight", what, index);
  MSC_CHECK_ARGUMENT(layout.cols == first.layout.cols, "linear: %s %d has %lld columns, the first one has %lld: they share one input",
                     what, index, static_cast<long long>(layout.cols), static_cast<long long>(first.layout.cols));
  const TiledFormat& format = layout.format;
  const TiledFormat& expected = first.layout.format;
  MSC_CHECK_ARGUMENT(format.code == expected.code && format.scale == expected.scale && format.correction == expected.correction &&
                         format.group_cols == expected.group_cols,
                     "linear: the format of %s %d (code %d, scale %d, correction %d, groups of %lld) is not that of the first one "
                     "(%d, %d, %d, %lld): weights of several formats take several calls",
                     what, index, static_cast<int>(format.code), static_cast<int>(format.scale), static_cast<int>(format.correction),
                     static_cast<long long>(format.group_cols), static_cast<int>(expected.code), static_cast<int>(expected.scale),
                     static_cast<int>(expected.correction), static_cast<long long>(expected.group_cols));
  const WeightCode code = params.targets[0].layout.format.code;
  MSC_CHECK_ARGUMENT(format.code == code || (is_nibble(format.code) && is_nibble(code)),
                     "linear: the shared expert has code %d and the others %d: weights of several codes take several calls",
                     static_cast<int>(format.code), static_cast<int>(code));
  MSC_CHECK_ARGUMENT(target.weight != nullptr && reinterpret_cast<uintptr_t>(target.weight) % 16 == 0,
                     "linear: the weight of %s %d is NULL or not aligned to 16 bytes", what, index);
  MSC_CHECK_ARGUMENT(!has_out || target.out != nullptr, "linear: the out of %s %d is NULL", what, index);
}

void check_targets(const LinearParams& params, const LinearTarget* targets, int count, const char* what) {
  const bool gated = is_gated(params.epilogue);
  for (int i = 0; i < count; ++i) {
    check_target(params, targets[i], targets[0], i, what, !gated || i == 0);
  }
  MSC_CHECK_ARGUMENT(!gated || targets[0].layout.rows == targets[1].layout.rows,
                     "linear: gate has %lld rows and up %lld, must be equal", static_cast<long long>(targets[0].layout.rows),
                     static_cast<long long>(targets[1].layout.rows));
}

int64_t count_pairs(const LinearParams& params, const LinearTarget* targets, int count) {
  if (is_gated(params.epilogue)) {
    return targets[0].layout.row_tiles;
  }
  int64_t pairs = 0;
  for (int i = 0; i < count; ++i) {
    pairs += targets[i].layout.row_tiles / 2;
  }
  return pairs;
}

int64_t scale_bytes(const LinearTarget* targets, int count) {
  int64_t most = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t group = targets[i].layout.format.group_cols;
    const int64_t bytes = targets[i].layout.group_bytes * (group == 0 || group >= kStepCols ? 1 : kStepCols / group);
    most = bytes > most ? bytes : most;
  }
  return most;
}

void check_experts(const LinearParams& params) {
  const LinearExperts& experts = params.experts;
  MSC_CHECK_ARGUMENT(experts.num_tiles != nullptr, "linear: experts.num_tiles is NULL");
  check_range(experts.most_tiles, 1, kMaxGrid, "linear: experts.most_tiles");
  check_range(experts.num_experts, 1, 1 << 16, "linear: experts.num_experts");
  const int64_t rows = experts.tile_rows;
  MSC_CHECK_ARGUMENT(rows == 8 || rows == 16 || rows == 32 || rows == kTileBlockRows,
                     "linear: experts.tile_rows is %lld, must be 8, 16, 32 or %d", static_cast<long long>(rows), kTileBlockRows);
  MSC_CHECK_ARGUMENT(params.num_shared == 0 || params.num_shared == params.num_targets,
                     "linear: num_shared is %d, must be 0 or the %d of num_targets", params.num_shared, params.num_targets);
  MSC_CHECK_ARGUMENT(params.num_targets == (is_gated(params.epilogue) ? 2 : 1),
                     "linear: num_targets is %d, experts have one target, or two with a gate", params.num_targets);
}

void check(const LinearParams& params) {
  check_range(static_cast<int64_t>(params.epilogue), 0, static_cast<int64_t>(LinearEpilogue::kRelu), "linear: epilogue");
  check_range(params.num_targets, 1, kMostLinearTargets, "linear: num_targets");
  MSC_CHECK_ARGUMENT(!is_gated(params.epilogue) || params.num_targets == 2,
                     "linear: num_targets is %d, a gated epilogue takes gate and up", params.num_targets);
  if (params.epilogue == LinearEpilogue::kSwigluClamped) {
    MSC_CHECK_ARGUMENT(std::isfinite(params.alpha) && params.alpha > 0.0f && std::isfinite(params.limit) && params.limit > 0.0f,
                       "linear: alpha is %g and limit %g, must be finite and above 0", static_cast<double>(params.alpha),
                       static_cast<double>(params.limit));
  }
  if (params.experts.tiles != nullptr) {
    check_experts(params);
  } else {
    check_range(params.rows, 1, kMaxGrid, "linear: rows");
    check_range(params.num_shared, 0, 0, "linear: num_shared of a dense product");
  }
  check_targets(params, params.targets, params.num_targets, "target");
  check_targets(params, params.shared, params.num_shared, "shared target");
  MSC_CHECK_ARGUMENT(params.num_shared == 0 || params.epilogue == LinearEpilogue::kStore || is_gated(params.epilogue) ||
                         params.shared[0].layout.rows == params.targets[0].layout.rows,
                     "linear: the shared expert's rows differ from the experts'");
  MSC_CHECK_ARGUMENT(params.input != nullptr && is_packable(params.input, params.input_stride, 2) &&
                         params.targets[0].layout.cols % 8 == 0 && (params.num_shared == 0 || params.shared[0].layout.cols % 8 == 0),
                     "linear: the input is NULL, or its address, its rows or the %lld columns are no multiples of 16 bytes",
                     static_cast<long long>(params.targets[0].layout.cols));
}

}  // namespace

int64_t expert_tile_rows(int64_t rows) { return rows_of(kernel_of(rows)); }

LinearPlan plan_linear(const LinearParams& params, LinearKernel wanted) {
  check(params);
  LinearPlan plan = {};
  if (params.experts.tiles != nullptr) {
    plan.kernel = kernel_of(params.experts.tile_rows);
    MSC_CHECK_ARGUMENT(wanted == LinearKernel::kByRows || wanted == plan.kernel,
                       "linear: another kernel is wanted than the one of experts.tile_rows");
    plan.row_blocks = params.experts.most_tiles;
  } else {
    plan.kernel = wanted == LinearKernel::kByRows ? kernel_of(params.rows) : wanted;
    plan.row_blocks = divide_up(params.rows, rows_of(plan.kernel));
  }
  const WeightCode code = params.targets[0].layout.format.code;
  plan.pairs = count_pairs(params, params.targets, params.num_targets);
  plan.scale_bytes = scale_bytes(params.targets, params.num_targets);
  if (params.num_shared > 0) {
    const int64_t pairs = count_pairs(params, params.shared, params.num_shared);
    const int64_t bytes = scale_bytes(params.shared, params.num_shared);
    plan.pairs = pairs > plan.pairs ? pairs : plan.pairs;
    plan.scale_bytes = bytes > plan.scale_bytes ? bytes : plan.scale_bytes;
  }
  const int64_t rows = rows_of(plan.kernel);
  const int64_t stage = rows * kInputRowBytes;
  if (plan.kernel == LinearKernel::kTile128) {
    plan.pairs_of_block = kTileBlockPairs;
    plan.threads = 256;
    plan.shared_bytes = static_cast<size_t>(kTileStages * (stage + kTileBlockPairs * 2 * (step_bytes_of(code) + plan.scale_bytes)) +
                                            kTileBlockRows * kTileBlockPairs * 2 * kTileRows * 4);
  } else {
    const int64_t share = plan.pairs * plan.row_blocks / kWantedBlocks;
    plan.pairs_of_block = share < 1 ? 1 : share > kMostPairsOfBlock ? kMostPairsOfBlock : share;
    plan.threads = kSlices * 32;
    plan.shared_bytes = static_cast<size_t>(kSlices * stream_stages(code) * (stage + 2 * (step_bytes_of(code) + plan.scale_bytes)) +
                                            kSlices * 2 * rows * kTileRows * 4);
  }
  MSC_CHECK_ARGUMENT(static_cast<int64_t>(plan.shared_bytes) + rows * 4 <= kMostSharedBytes,
                     "linear: a block would take %zu bytes of shared memory", plan.shared_bytes);
  const int64_t pair_blocks = divide_up(plan.pairs, plan.pairs_of_block);
  check_range(plan.row_blocks, 1, kMaxGrid / pair_blocks, "linear: blocks of rows");
  plan.blocks = static_cast<unsigned>(plan.row_blocks * pair_blocks);
  return plan;
}

void launch_linear(const LinearParams& params, const LinearPlan& plan, Stream stream) {
  plan.kernel == LinearKernel::kTile128 ? launch_linear_tile(params, plan, stream) : launch_linear_stream(params, plan, stream);
}

}  // namespace msc::cuda
