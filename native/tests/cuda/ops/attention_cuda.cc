// Attention over paged keys and values: split over positions by warps, by blocks, and folded.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "cuda/attention/layout.h"
#include "tests/cuda/layer/cuda_target.h"
#include "tests/cuda/ops/attention_case.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::AttentionItem;
using msc::cuda::AttentionSchedule;
using msc::cuda::kAttentionSplit;

const AttentionCase kCases[] = {
    // One to four tokens a sequence: rows of warps. Ling-mini, Ling-flash, Qwen3 widths.
    {"decode_ling_mini", kBf16, KvType::kBf16, 16, 4, 128, 128, {{530, 1}, {37, 1}, {255, 1}, {256, 1}}},
    {"decode_ling_flash_f8", kBf16, KvType::kF8E4M3, 32, 4, 128, 128, {{300, 1}, {0, 1}}},
    {"decode_i8_pages_64", kF32, KvType::kI8, 16, 2, 128, 128, {{270, 2}, {12, 1}}, 0, true, false, -1, 0.0f, false, 64},
    {"verify_group_4", kBf16, KvType::kBf16, 8, 2, 64, 64, {{511, 4}, {30, 3}}},
    {"window_and_sinks", kBf16, KvType::kBf16, 8, 1, 64, 64, {{600, 2}, {100, 1}}, 128, true, true},
    {"window_short_i8", kBf16, KvType::kI8, 4, 2, 64, 64, {{77, 1}, {290, 2}}, 5, true, true},
    {"softcap_256", kBf16, KvType::kBf16, 2, 1, 256, 256, {{40, 2}}, 0, true, false, -1, 5.0f},
    {"uneven_widths", kF32, KvType::kBf16, 3, 1, 192, 128, {{70, 2}}},
    {"odd_widths_f8", kF32, KvType::kF8E4M3, 5, 1, 33, 7, {{66, 3}}, 0, true, true},
    {"odd_widths_bf16", kBf16, KvType::kBf16, 5, 5, 80, 20, {{40, 2}}},
    {"one_head_80_i8", kF32, KvType::kI8, 1, 1, 80, 96, {{33, 3}}},
    // Many rows: blocks, in pieces and whole.
    {"prefill_ling_mini", kBf16, KvType::kBf16, 8, 2, 128, 128, {{0, 40}, {200, 9}}},
    {"prefill_i8_chunk", kBf16, KvType::kI8, 4, 1, 64, 64, {{250, 30}, {0, 5}}, 0, true, true},
    {"prefill_f8_window", kF32, KvType::kF8E4M3, 6, 2, 64, 64, {{240, 40}}, 20},
    {"prefill_pieces", kBf16, KvType::kBf16, 8, 1, 64, 64, {{700, 9}}, 0, true, false, -1, 0.0f, false, 16, 2},
    {"prefill_256", kBf16, KvType::kBf16, 2, 1, 256, 256, {{270, 20}}, 0, true, false, -1, 0.0f, false, 16, 1},
    {"prefill_256_f8", kBf16, KvType::kF8E4M3, 2, 1, 256, 256, {{0, 20}}},
    {"prefill_192_i8", kBf16, KvType::kI8, 2, 1, 192, 128, {{250, 10}}, 0, true, false, -1, 0.0f, false, 16, 1},
    {"group_of_7", kBf16, KvType::kBf16, 14, 2, 64, 64, {{90, 5}}},
    {"group_of_71", kBf16, KvType::kBf16, 71, 1, 64, 64, {{90, 2}}},
    {"encoder_with_bias", kF32, KvType::kBf16, 3, 3, 64, 64, {{0, 25}, {0, 3}}, 0, false, false, 6},
    {"cross_attention", kBf16, KvType::kBf16, 4, 4, 64, 64, {{3, 1, 300}, {0, 20, 9}}, 0, false},
    {"decoder_with_bias", kF32, KvType::kI8, 4, 2, 64, 64, {{60, 2}, {0, 10}}, 0, true, true, 20},
    {"tree", kBf16, KvType::kBf16, 8, 2, 64, 64, {{40, 7}, {250, 12}, {3, 1}}, 0, true, false, -1, 0.0f, true},
};

double limit_of(const AttentionCase& c) { return c.cache == KvType::kBf16 ? 2e-5 : 2e-5; }

class CudaAttention : public testing::TestWithParam<AttentionCase> {};

TEST_P(CudaAttention, MatchesReference) {
  const AttentionCase& c = GetParam();
  const AttentionData data(c);
  const bool by_block = std::any_of(c.sequences.begin(), c.sequences.end(),
                                    [&](const auto& s) { return s.count * c.q_heads / c.kv_heads > msc::cuda::kWarpRows; });
  const std::vector<float> out =
      run_both_ways(by_block ? "attention_block_kernel" : "attention_warp_kernel", [&] { return data.run_all(); });
  std::vector<float> expected;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    for (int32_t t = 0; t < c.sequences[s].count; ++t) {
      const std::vector<float> token = data.reference(s, c.sequences[s].position + t);
      expected.insert(expected.end(), token.begin(), token.end());
    }
  }
  optest::expect_nmse(out, expected, limit_of(c), "out");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaAttention, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cuda_ops
