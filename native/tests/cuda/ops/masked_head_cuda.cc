// The LM head for listed tokens against the whole head.
#include <gtest/gtest.h>

#include <bit>

#include "core/error.h"
#include "cuda/sampling/feed.h"
#include "cuda/sampling/masked_head.h"
#include "tests/cuda/ops/refusals.h"
#include "tests/cuda/layer/array.h"
#include "tests/cuda/ops/sampling_rig.h"
#include "tests/cuda/ops/tiled_weights.h"
#include "tests/ops/harness/compare.h"

namespace cuda_ops {
namespace {

struct HeadCase {
  const char* name;
  const char* kind;
  int64_t cols;
  ElementType out = kF32;
  bool bias = false;
};

const HeadCase kCases[] = {
    {"bf16", "bf16", 328},           {"hidden_2048", "bf16", 2048, kBf16}, {"bias", "bf16", 72, kBf16, true},
    {"fp8_128", "fp8_128", 640},     {"fp8_row", "fp8_row", 328},          {"q8_0", "q8_0", 352},
    {"q4_0", "q4_0", 352, kF32, true}, {"q4_k", "q4_k", 768},              {"q6_k", "q6_k", 512},
    {"awq_32", "awq_32", 352},
};

class CudaMaskedHead : public testing::TestWithParam<HeadCase> {};

/// Bit by bit what the whole head has in the listed columns, and nothing anywhere else.
TEST_P(CudaMaskedHead, IsTheWholeHeadWhereListed) {
  const HeadCase& c = GetParam();
  constexpr int64_t kRows = 4;
  constexpr int64_t kFeatures = 203;
  constexpr int64_t kCapacity = 50;
  optest::Rng rng(std::string_view(c.name));
  const TiledWeights weights(rng, weight_kind(c.kind), 1, kFeatures, c.cols);
  const std::vector<float> values = rounded(rng.normals(kRows * c.cols), kBf16);
  const Tensor input("input", kBf16, kRows, c.cols, values, 8);
  const Tensor bias("bias", kF32, 1, kFeatures, rng.normals(kFeatures));
  const auto target = [&](const Tensor& out) {
    return msc::cuda::LinearTarget{weights.layout(), weights.data(), c.bias ? static_cast<const float*>(bias.data()) : nullptr,
                                   out.data(), out.stride()};
  };
  const Tensor whole("logits", c.out, kRows, kFeatures);
  msc::cuda::LinearParams all = {};
  all.out_type = c.out;
  all.rows = kRows;
  all.input = input.data();
  all.input_stride = input.stride();
  all.num_targets = 1;
  all.targets[0] = target(whole);
  launch_linear(all, plan_linear(all), nullptr);

  // A few, one, more than one block's, and more than the list holds: those rows stay as they are.
  std::vector<std::vector<uint32_t>> masks;
  std::vector<msc::cuda::SampleRow> sample_rows(size_t{kRows});
  std::vector<std::unique_ptr<cuda_on_cpu::Array<uint32_t>>> device_masks;
  for (const double share : {0.05, 0.0, 0.19, 1.0}) {
    masks.push_back(random_mask(rng, kFeatures, share));
  }
  masks[1][6] = 1u << 10;  // the last token
  for (size_t r = 0; r < masks.size(); ++r) {
    device_masks.push_back(std::make_unique<cuda_on_cpu::Array<uint32_t>>("mask", masks[r]));
    sample_rows[r].mask = device_masks.back()->data();
  }
  const cuda_on_cpu::Array<msc::cuda::SampleRow> rows("rows", sample_rows);
  const cuda_on_cpu::Array<int32_t> ids("ids", size_t{kRows * kCapacity});
  const cuda_on_cpu::Array<int32_t> counts("counts", size_t{kRows});
  msc::cuda::launch_allowed_ids({kRows, kFeatures, rows.data(), kCapacity, ids.data(), counts.data()}, nullptr);
  const std::vector<float> expected = whole.values();
  run_both_ways("masked_head_kernel", [&] {
    const Tensor some("logits", c.out, kRows, kFeatures, std::vector<float>(size_t{kRows * kFeatures}, 7.0f));
    const msc::cuda::MaskedHeadParams params = {c.out,     kRows,      input.data(),  input.stride(), target(some),
                                                kCapacity, ids.data(), counts.data()};
    launch_masked_head(params, plan_masked_head(params), nullptr);
    const std::vector<float> actual = some.values();
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t i = 0; i < kFeatures; ++i) {
        const auto at = static_cast<size_t>(r * kFeatures + i);
        const bool listed = r < 3 && (masks[static_cast<size_t>(r)][static_cast<size_t>(i / 32)] >> (i % 32) & 1u) != 0;
        EXPECT_EQ(std::bit_cast<uint32_t>(listed ? expected[at] : 7.0f), std::bit_cast<uint32_t>(actual[at]))
            << "row " << r << ", feature " << i;
      }
    }
    return actual;
  });
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaMaskedHead, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

TEST(CudaMaskedHeadPlan, Refuses) {
  optest::Rng rng(uint64_t{3});
  const TiledWeights weights(rng, weight_kind("bf16"), 1, 20, 64);
  alignas(16) uint16_t input[64] = {};
  float out[20] = {};
  int32_t ids[20] = {};
  const msc::cuda::MaskedHeadParams good = {kF32, 1, input, 64, {weights.layout(), weights.data(), nullptr, out, 20}, 20, ids, ids};
  const auto refuse = refusals(good, [](const auto& params) { plan_masked_head(params); });
  refuse([](auto& p) { p.rows = 0; }, "rows is 0");
  refuse([](auto& p) { p.capacity = 0; }, "capacity is 0");
  refuse([](auto& p) { p.capacity = 21; }, "capacity is 21");
  refuse([](auto& p) { p.counts = nullptr; }, "counts");
  refuse([](auto& p) { p.input_stride = 65; }, "stride (65)");
  refuse([](auto& p) { p.rows = 2, p.head.out_stride = 19; }, "out_stride is 19");
}

}  // namespace
}  // namespace cuda_ops
