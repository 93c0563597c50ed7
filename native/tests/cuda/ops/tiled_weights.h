#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cuda/linear/linear.h"
#include "cuda/linear/repack.h"
#include "tests/cuda/layer/array.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {

/// What a test's weight comes from, and how large its elements are.
struct WeightKind {
  const char* name;
  msc::cuda::WeightSource source;
};

/// Each source that the kernels run, with groups of several shapes.
const std::vector<WeightKind>& weight_kinds();
const WeightKind& weight_kind(const std::string& name);

/// Random matrices as sources have them, repacked, in global memory, and their values.
class TiledWeights {
 public:
  TiledWeights(optest::Rng& rng, const WeightKind& kind, int64_t experts, int64_t rows, int64_t cols, double scale = 1.0);

  const msc::cuda::TiledLayout& layout() const { return layout_; }
  const void* data() const { return memory_->data(); }
  /// What the sources stand for: [experts, rows, cols].
  const std::vector<float>& values() const { return values_; }
  const float* row(int64_t expert, int64_t r) const { return values_.data() + (expert * layout_.rows + r) * layout_.cols; }

 private:
  msc::cuda::TiledLayout layout_;
  std::vector<float> values_;
  std::unique_ptr<cuda_on_cpu::Array<uint8_t>> memory_;
};

}  // namespace cuda_ops
