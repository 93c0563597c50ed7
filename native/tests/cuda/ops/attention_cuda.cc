// Attention over paged keys and values: split over positions by warps, by blocks, and folded.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

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
    // Several splits of one item, folded where they are made; and written in runs of two.
    {"prefill_whole", kBf16, KvType::kBf16, 8, 2, 64, 64, {{500, 40}}, 0, true, false, -1, 0.0f, false, 16, 1},
    {"prefill_whole_i8_window", kBf16, KvType::kI8, 8, 2, 128, 128, {{500, 34}}, 280, true, true, -1, 0.0f, false, 16, 1},
    {"prefill_runs", kBf16, KvType::kF8E4M3, 4, 1, 64, 64, {{1100, 20}}, 0, true, false, -1, 0.0f, false, 16, 1},
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

/// Queries, keys and softmax weights are rounded to bfloat16.
constexpr double kLimit = 2e-5;

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
  optest::expect_nmse(out, expected, kLimit, "out");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaAttention, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

/// A row's bits depend neither on the chunk it came in, nor on other sequences, nor on how many processors shared the work:
/// tokens together go through blocks, alone through warps whose splits are folded afterwards.
class CudaAttentionInvariance : public testing::TestWithParam<AttentionCase> {};

const AttentionCase kInvariantCases[] = {
    {"bf16_128", kBf16, KvType::kBf16, 8, 2, 128, 128, {{509, 8}, {3, 1}}},
    {"bf16_window_sinks", kBf16, KvType::kBf16, 4, 1, 64, 64, {{250, 12}, {700, 5}}, 300, true, true},
    {"bf16_whole", kBf16, KvType::kBf16, 8, 2, 64, 64, {{500, 40}}, 0, true, false, -1, 0.0f, false, 16, 1},
    {"f8_runs", kBf16, KvType::kF8E4M3, 4, 1, 64, 64, {{1100, 20}}, 0, true, false, -1, 0.0f, false, 16, 1},
    {"i8", kF32, KvType::kI8, 4, 1, 64, 64, {{505, 10}, {0, 6}}},
    {"f8_bias_softcap", kBf16, KvType::kF8E4M3, 6, 1, 64, 64, {{250, 9}}, 0, true, false, 30, 20.0f},
    {"bf16_256", kBf16, KvType::kBf16, 8, 1, 256, 256, {{254, 4}}},
    {"cross_attention", kBf16, KvType::kBf16, 4, 2, 64, 64, {{0, 9, 300}}, 0, false},
};

TEST_P(CudaAttentionInvariance, RowsKeepTheirBits) {
  const AttentionCase& c = GetParam();
  const AttentionData data(c);
  const std::vector<float> together = data.run_all();
  int64_t token = 0;
  const auto expect_same = [&](const AttentionData::Tokens& tokens, unsigned processors, const std::string& what) {
    const std::vector<float> some = data.run(std::span(&tokens, 1), processors);
    const auto first = together.begin() + token * c.q_heads * c.v_width;
    optest::expect_bits_equal(some, std::vector<float>(first, first + static_cast<int64_t>(some.size())), what);
    token += tokens.count;
  };
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    for (int32_t t = 0; t < c.sequences[s].count; ++t) {
      expect_same({s, c.sequences[s].position + t, 1}, 1, "token " + std::to_string(t) + " alone");
    }
  }
  token = 0;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    for (int32_t t = 0; t < c.sequences[s].count;) {
      const int32_t count = std::min(5, c.sequences[s].count - t);
      expect_same({s, c.sequences[s].position + t, count}, 7, "a chunk from token " + std::to_string(t));
      t += count;
    }
  }
  token = 0;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    expect_same({s, c.sequences[s].position, c.sequences[s].count}, 1, "without other sequences");
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaAttentionInvariance, testing::ValuesIn(kInvariantCases),
                         [](const auto& info) { return info.param.name; });

msc::cuda::AttentionParams good_params() {
  static float x[1] = {};
  static int32_t i[1] = {};
  alignas(128) static char cache[128];
  msc::cuda::AttentionParams params = {};
  params.num_q_heads = 16;
  params.q = params.out = x;
  params.scale = 1.0f;
  params.page_table = i;
  params.cache = cache;
  params.pages = msc::cuda::lay_out_kv_pages(KvType::kBf16, 2, 4, 128, 128, 16);
  return params;
}

/// Every row meets every split that it sees any of exactly once, and lists are shared out evenly.
TEST(CudaAttentionSchedule, CoversEverySplitOnce) {
  const msc::cuda::AttentionPlan plan = plan_attention(good_params());
  optest::Rng rng(7);
  for (int round = 0; round < 60; ++round) {
    const int64_t kv_heads = rng.integer(1, 3);
    const int64_t group = round % 5 == 0 ? rng.integer(17, 130) : rng.integer(1, 16);
    const bool causal = rng.integer(0, 3) > 0;
    const int64_t window = causal && rng.integer(0, 1) == 1 ? rng.integer(1, 900) : 0;
    const auto num_sequences = static_cast<size_t>(rng.integer(1, 5));
    std::vector<int32_t> offsets = {0}, positions, lengths;
    for (size_t s = 0; s < num_sequences; ++s) {
      offsets.push_back(offsets.back() + static_cast<int32_t>(rng.integer(0, 2) == 0 ? rng.integer(0, 90) : 1));
      positions.push_back(static_cast<int32_t>(rng.integer(0, 2000)));
      lengths.push_back(static_cast<int32_t>(rng.integer(0, 1) * rng.integer(1, 3000)));
    }
    AttentionSchedule schedule({kv_heads * group, kv_heads, window, causal, false}, plan, static_cast<unsigned>(rng.integer(1, 9)));
    schedule.make({static_cast<int64_t>(num_sequences), offsets.data(), positions.data(), lengths.data()});

    std::map<std::tuple<int32_t, int32_t, int32_t>, int> covered;  // (token, head, split)
    std::map<int32_t, std::tuple<int32_t, int32_t, int32_t>> parts;  // by partial row
    for (const auto* list : {&schedule.warp_list(), &schedule.block_list()}) {
      for (const AttentionItem& item : list->items) {
        const bool by_warp = list == &schedule.warp_list();
        EXPECT_LE(item.num_rows, by_warp ? msc::cuda::kWarpRows : msc::cuda::kBlockRows);
        const int32_t first = item.key_begin / kAttentionSplit;
        const int32_t last = (item.key_end - 1) / kAttentionSplit;
        EXPECT_TRUE(!by_warp || first == last) << "a warp takes one split";
        for (int32_t r = 0; r < item.num_rows; ++r) {
          const int32_t token = item.first_token + r / item.heads;
          const int32_t head = item.first_head + r % item.heads;
          EXPECT_EQ(item.kv_head, head / group);
          EXPECT_EQ(positions[static_cast<size_t>(item.sequence)] + token - offsets[static_cast<size_t>(item.sequence)],
                    item.first_position + r / item.heads);
          for (int32_t split = first; split <= last; ++split) {
            ++covered[{token, head, split}];
            if (item.partial_row >= 0) {
              EXPECT_TRUE(parts.emplace(item.partial_row + (split - first) * item.num_rows + r, std::tuple(token, head, split)).second);
            }
          }
        }
      }
      int32_t largest = 0, smallest = INT32_MAX, longest = 0;
      for (size_t w = 0; w + 1 < list->begin.size(); ++w) {
        int32_t load = 0, before = INT32_MAX;
        for (int32_t i = list->begin[w]; i < list->begin[w + 1]; ++i) {
          const AttentionItem& item = list->items[static_cast<size_t>(i)];
          const int32_t tiles = (item.key_end - 1) / msc::cuda::kTileKeys - item.key_begin / msc::cuda::kTileKeys + 1;
          EXPECT_LE(tiles, before) << "longest first";
          before = tiles;
          load += tiles;
          longest = std::max(longest, tiles);
        }
        largest = std::max(largest, load);
        smallest = std::min(smallest, load);
      }
      EXPECT_LE(largest - smallest, longest);
      EXPECT_EQ(static_cast<size_t>(list->begin.back()), list->items.size());
    }
    EXPECT_EQ(static_cast<size_t>(schedule.partial_rows()), parts.size());
    for (const AttentionItem& item : schedule.combine_list().items) {
      const int32_t splits = (item.key_end - 1) / kAttentionSplit - item.key_begin / kAttentionSplit + 1;
      for (int32_t split = 0; split < splits; ++split) {
        for (int32_t r = 0; r < item.num_rows; ++r) {
          const auto part = parts.find(item.partial_row + split * item.num_rows + r);
          ASSERT_NE(part, parts.end());
          EXPECT_EQ(std::tuple(item.first_token + r / item.heads, item.first_head + r % item.heads,
                               item.key_begin / kAttentionSplit + split),
                    part->second);
          parts.erase(part);
        }
      }
    }
    EXPECT_TRUE(parts.empty()) << "parts that nobody folds";
    for (size_t s = 0; s < num_sequences; ++s) {
      for (int32_t t = offsets[s]; t < offsets[s + 1]; ++t) {
        const int32_t position = positions[s] + t - offsets[s];
        const int32_t end = causal ? position + 1 : lengths[s] > 0 ? lengths[s] : positions[s] + offsets[s + 1] - offsets[s];
        const int32_t begin = window > 0 ? std::max<int32_t>(0, position + 1 - static_cast<int32_t>(window)) : 0;
        for (int32_t head = 0; head < kv_heads * group; ++head) {
          for (int32_t split = begin / kAttentionSplit; split <= (end - 1) / kAttentionSplit; ++split) {
            const int times = covered[{t, head, split}];
            ASSERT_EQ(1, times) << "token " << t << " head " << head << " split " << split;
          }
        }
      }
    }
  }
}

TEST(CudaAttentionPlan, FitsTheProcessor) {
  for (const KvType type : {KvType::kBf16, KvType::kF8E4M3, KvType::kI8}) {
    for (const int64_t width : {16, 64, 80, 96, 128, 192, 256}) {
      msc::cuda::AttentionParams params = good_params();
      params.pages = msc::cuda::lay_out_kv_pages(type, 2, 4, width, std::min<int64_t>(width, width == 192 ? 128 : 256), 16);
      const msc::cuda::AttentionPlan plan = plan_attention(params);
      EXPECT_GE(plan.warps_of_block, 2u) << width;
      EXPECT_LE(plan.warps_of_block * plan.warp_bytes, 227u * 1024u);
      EXPECT_GE(plan.blocks_of_processor, 1u) << width;
      EXPECT_GE(plan.k_tile, width);
    }
  }
}

TEST(CudaAttentionPlan, Refuses) {
  EXPECT_NO_THROW(plan_attention(good_params()));
  const auto refuse = [&](auto change) {
    msc::cuda::AttentionParams params = good_params();
    change(params);
    EXPECT_THROW(plan_attention(params), msc::Error);
  };
  refuse([](auto& p) { p.num_q_heads = 18; });
  refuse([](auto& p) { p.num_q_heads = 0; });
  refuse([](auto& p) { p.layer = 2; });
  refuse([](auto& p) { p.window = -1; });
  refuse([](auto& p) { p.scale = NAN; });
  refuse([](auto& p) { p.softcap = -1.0f; });
  refuse([](auto& p) { p.q = nullptr; });
  refuse([](auto& p) { p.page_table = nullptr; });
  refuse([](auto& p) { p.cache = static_cast<const char*>(p.cache) + 16; });
  refuse([](auto& p) { p.pages = msc::cuda::lay_out_kv_pages(KvType::kBf16, 2, 4, 576, 512, 16); });
  static const uint64_t tree[1] = {1};
  refuse([](auto& p) { p.tree = tree; p.window = 5; });
  static const float bias[1] = {};
  refuse([](auto& p) { p.bias = bias; p.bias_reach = 4; p.bias_stride = 8; });

  const msc::cuda::AttentionPlan plan = plan_attention(good_params());
  using Shape = msc::cuda::AttentionShape;
  EXPECT_THROW(AttentionSchedule(Shape{16, 4, 5, false, false}, plan, 1), msc::Error);
  EXPECT_THROW(AttentionSchedule(Shape{15, 4, 0, true, false}, plan, 1), msc::Error);
  EXPECT_THROW(AttentionSchedule(Shape{16, 4, 0, true, false}, plan, 0), msc::Error);
  AttentionSchedule schedule({16, 4, 0, true, true}, plan, 1);
  const std::vector<int32_t> offsets = {0, 65}, shrinking = {0, -1}, position = {0}, negative = {-1};
  EXPECT_THROW(schedule.make({1, offsets.data(), position.data(), nullptr}), msc::Error) << "a tree of 65 tokens";
  EXPECT_THROW(schedule.make({1, shrinking.data(), position.data(), nullptr}), msc::Error);
  EXPECT_THROW(schedule.make({1, offsets.data(), negative.data(), nullptr}), msc::Error);
}

}  // namespace
}  // namespace cuda_ops
