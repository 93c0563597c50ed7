// What lies round the experts' products: the sort of choices by expert, and the sum of their results.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "cuda/moe/expert_combine.h"
#include "cuda/moe/expert_sort.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::ExpertCombineParams;
using msc::cuda::ExpertSortParams;
using msc::cuda::ExpertTile;
using Ints = cuda_on_cpu::Array<int32_t>;

struct SortCase {
  const char* name;
  int64_t tokens;
  int64_t top_k;
  int64_t experts;
  int64_t tile_rows = 8;
  bool shared = false;
  int64_t lowest = 0;  // ids from here on; below 0 there is no expert
  int64_t last = -1;   // the highest id, or -1: all experts
};

const SortCase kSortCases[] = {
    {.name = "one", .tokens = 1, .top_k = 1, .experts = 1},
    {.name = "decode", .tokens = 1, .top_k = 8, .experts = 256, .shared = true},
    {.name = "batch", .tokens = 17, .top_k = 8, .experts = 256, .shared = true},
    {.name = "experts_512", .tokens = 33, .top_k = 10, .experts = 512},
    {.name = "crowded", .tokens = 100, .top_k = 3, .experts = 5, .tile_rows = 16, .shared = true},
    {.name = "one_expert", .tokens = 67, .top_k = 1, .experts = 9, .last = 0},
    {.name = "dropped", .tokens = 50, .top_k = 4, .experts = 7, .lowest = -1},
    {.name = "outside", .tokens = 20, .top_k = 2, .experts = 6, .lowest = -3, .last = 8},
    {.name = "prompt", .tokens = 700, .top_k = 8, .experts = 64, .tile_rows = 64, .shared = true},
};

struct Sorted {
  std::vector<int32_t> offsets, token_of_row, row_of_choice, tiles;
  int64_t most_tiles;
};

Sorted sort(const SortCase& c, const std::vector<int32_t>& ids) {
  const int64_t choices = c.tokens * c.top_k;
  const Ints device_ids("ids", ids);
  const Ints offsets("offsets", static_cast<size_t>(c.experts + 1));
  const Ints token_of_row("token_of_row", static_cast<size_t>(choices + (c.shared ? c.tokens : 0)));
  const Ints row_of_choice("row_of_choice", static_cast<size_t>(choices));
  const Ints num_tiles("num_tiles", 1);
  ExpertTile none = {};
  ExpertSortParams params = {c.tokens, c.top_k, c.experts, device_ids.data(), c.top_k, c.shared, c.tile_rows, offsets.data(),
                             token_of_row.data(), row_of_choice.data(), &none, num_tiles.data()};
  const auto plan = plan_expert_sort(params);
  const cuda_on_cpu::Array<ExpertTile> tiles("tiles", static_cast<size_t>(plan.most_tiles));
  params.tiles = tiles.data();
  launch_expert_sort(params, plan, nullptr);
  Sorted sorted = {offsets.values(), token_of_row.values(), row_of_choice.values(), {}, plan.most_tiles};
  for (int64_t i = 0; i < num_tiles.values()[0]; ++i) {
    const ExpertTile tile = tiles.values()[static_cast<size_t>(i)];
    sorted.tiles.insert(sorted.tiles.end(), {tile.expert, tile.first_row, tile.num_rows});
  }
  return sorted;
}

class CudaExpertSort : public testing::TestWithParam<SortCase> {};

TEST_P(CudaExpertSort, IsTheStableSort) {
  const SortCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const int64_t choices = c.tokens * c.top_k;
  const std::vector<int32_t> ids = rng.integers(choices, c.lowest, c.last < 0 ? c.experts - 1 : c.last);
  Sorted sorted;
  run_both_ways("expert_sort_kernel", [&] {
    sorted = sort(c, ids);
    std::vector<float> all;
    for (const auto* part : {&sorted.offsets, &sorted.row_of_choice, &sorted.tiles}) {
      all.insert(all.end(), part->begin(), part->end());
    }
    return all;
  });
  std::vector<int32_t> offsets, tokens, rows(static_cast<size_t>(choices)), tiles;
  for (int32_t e = 0; e < c.experts; ++e) {
    offsets.push_back(static_cast<int32_t>(tokens.size()));
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] == e) {
        rows[i] = static_cast<int32_t>(tokens.size());
        tokens.push_back(static_cast<int32_t>(static_cast<int64_t>(i) / c.top_k));
      } else if (ids[i] < 0 || ids[i] >= c.experts) {
        rows[i] = ids[i] == -1 ? msc::cuda::kNoRow : msc::cuda::kBadChoice;
      }
    }
    const auto end = static_cast<int32_t>(tokens.size());
    for (int32_t first = offsets.back(); first < end; first += static_cast<int32_t>(c.tile_rows)) {
      tiles.insert(tiles.end(), {e, first, std::min(end - first, static_cast<int32_t>(c.tile_rows))});
    }
  }
  offsets.push_back(static_cast<int32_t>(tokens.size()));
  for (int64_t t = 0; c.shared && t < c.tokens; ++t) {
    ASSERT_EQ(t, sorted.token_of_row[static_cast<size_t>(choices + t)]);
    if (t % c.tile_rows == 0) {
      tiles.insert(tiles.end(), {static_cast<int32_t>(c.experts), static_cast<int32_t>(choices + t),
                                 static_cast<int32_t>(std::min(c.tokens - t, c.tile_rows))});
    }
  }
  sorted.token_of_row.resize(tokens.size());
  optest::expect_equal(sorted.offsets, offsets, "offsets");
  optest::expect_equal(sorted.token_of_row, tokens, "token_of_row");
  optest::expect_equal(sorted.row_of_choice, rows, "row_of_choice");
  optest::expect_equal(sorted.tiles, tiles, "tiles");
  EXPECT_LE(static_cast<int64_t>(tiles.size() / 3), sorted.most_tiles);
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaExpertSort, testing::ValuesIn(kSortCases), [](const auto& info) { return info.param.name; });

/// The bound is reached: every choice but those that fill tiles has an expert of its own.
TEST(CudaExpertSortPlan, TilesAreBounded) {
  const SortCase c = {.name = "", .tokens = 20, .top_k = 1, .experts = 4, .shared = true};
  std::vector<int32_t> ids(20, 0);
  ids[0] = 1;
  ids[1] = 2;
  ids[2] = 3;
  const Sorted sorted = sort(c, ids);
  EXPECT_EQ(sorted.most_tiles, static_cast<int64_t>(sorted.tiles.size() / 3));
}

TEST(CudaExpertSortPlan, Refuses) {
  int32_t x[4] = {};
  ExpertTile tile = {};
  ExpertSortParams params = {1, 1, 513, x, 1, false, 8, x, x, x, &tile, x};
  EXPECT_THROW(plan_expert_sort(params), msc::Error);
  params.num_experts = 512;
  EXPECT_NO_THROW(plan_expert_sort(params));
  params.tokens = int64_t{1} << 25;
  EXPECT_THROW(plan_expert_sort(params), msc::Error);
  params.tokens = 1;
  params.tile_rows = 0;
  EXPECT_THROW(plan_expert_sort(params), msc::Error);
  params.tile_rows = 8;
  params.tiles = nullptr;
  EXPECT_THROW(plan_expert_sort(params), msc::Error);
}

struct CombineCase {
  const char* name;
  ElementType rows;
  ElementType out;
  int64_t tokens;
  int64_t top_k;
  int64_t cols;
  bool accumulate = false;
  bool shared = false;
  int64_t padding = 0;
};

const CombineCase kCombineCases[] = {
    {.name = "one", .rows = kF32, .out = kF32, .tokens = 1, .top_k = 1, .cols = 1},
    {.name = "odd", .rows = kF32, .out = kBf16, .tokens = 3, .top_k = 2, .cols = 77, .accumulate = true, .padding = 1},
    {.name = "decode", .rows = kF32, .out = kBf16, .tokens = 2, .top_k = 8, .cols = 2048, .accumulate = true, .shared = true},
    {.name = "stored", .rows = kBf16, .out = kBf16, .tokens = 4, .top_k = 8, .cols = 4096, .shared = true, .padding = 8},
    {.name = "bf16_to_f32", .rows = kBf16, .out = kF32, .tokens = 5, .top_k = 3, .cols = 24, .shared = true},
};

class CudaExpertCombine : public testing::TestWithParam<CombineCase> {};

TEST_P(CudaExpertCombine, MatchesReference) {
  const CombineCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const int64_t choices = c.tokens * c.top_k;
  const int64_t num_rows = choices + (c.shared ? c.tokens : 0);
  const std::vector<float> rows = rounded(rng.normals(num_rows * c.cols), c.rows);
  const std::vector<float> before = rounded(rng.normals(c.tokens * c.cols), c.out);
  const std::vector<float> weights = rng.normals(choices);
  std::vector<int32_t> row_of_choice;
  for (int64_t i = 0; i < choices; ++i) {
    row_of_choice.push_back(i % 5 == 4 ? msc::cuda::kNoRow : static_cast<int32_t>(choices - 1 - i));
  }
  const auto run = [&](int64_t first, int64_t tokens) {
    const Tensor y("rows", c.rows, num_rows, c.cols, rows, c.padding);
    const std::vector<int32_t> part(row_of_choice.begin() + first * c.top_k, row_of_choice.begin() + (first + tokens) * c.top_k);
    const Ints map("row_of_choice", part);
    const Tensor w("weights", kF32, tokens, c.top_k, {weights.begin() + first * c.top_k, weights.begin() + (first + tokens) * c.top_k}, 1);
    const Tensor out = c.accumulate ? Tensor("out", c.out, tokens, c.cols, {before.begin() + first * c.cols, before.begin() + (first + tokens) * c.cols}, c.padding)
                                    : Tensor("out", c.out, tokens, c.cols, c.padding);
    const ExpertCombineParams params = {c.rows, c.out, c.accumulate, tokens, c.top_k, c.cols, y.data(), y.stride(), map.data(),
                                        static_cast<const float*>(w.data()), w.stride(), c.shared ? choices + first : -1,
                                        out.data(), out.stride()};
    launch_expert_combine(params, plan_expert_combine(params), nullptr);
    out.expect_written();
    return out.values();
  };
  const std::vector<float> out = run_both_ways("expert_combine_kernel", [&] { return run(0, c.tokens); });
  std::vector<float> expected;
  for (int64_t t = 0; t < c.tokens; ++t) {
    for (int64_t i = 0; i < c.cols; ++i) {
      double sum = c.accumulate ? static_cast<double>(before[static_cast<size_t>(t * c.cols + i)]) : 0.0;
      for (int64_t k = 0; k < c.top_k; ++k) {
        const auto at = static_cast<size_t>(t * c.top_k + k);
        if (row_of_choice[at] >= 0) {
          sum += static_cast<double>(weights[at]) * static_cast<double>(rows[static_cast<size_t>(row_of_choice[at] * c.cols + i)]);
        }
      }
      sum += c.shared ? static_cast<double>(rows[static_cast<size_t>((choices + t) * c.cols + i)]) : 0.0;
      expected.push_back(static_cast<float>(sum));
    }
  }
  optest::expect_nmse(out, expected, c.out == kF32 ? 1e-12 : 5e-6, "out");
  optest::expect_bits_equal(run(c.tokens - 1, 1), std::vector<float>(out.end() - c.cols, out.end()), "the last token alone");
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaExpertCombine, testing::ValuesIn(kCombineCases),
                         [](const auto& info) { return info.param.name; });

TEST(CudaExpertCombineEdges, AChoiceOfNoExpertIsNotANumber) {
  const Tensor y("rows", kF32, 2, 8, std::vector<float>(16, 1.0f));
  const Ints map("row_of_choice", {0, msc::cuda::kBadChoice, 1, msc::cuda::kNoRow});
  const Tensor w("weights", kF32, 2, 2, {1, 1, 1, 1});
  const Tensor out("out", kF32, 2, 8);
  ExpertCombineParams params = {kF32, kF32, false, 2, 2, 8, y.data(), 8, map.data(), static_cast<const float*>(w.data()), 2, -1, out.data(), 8};
  launch_expert_combine(params, plan_expert_combine(params), nullptr);
  EXPECT_TRUE(std::isnan(out.row(0)[7]));
  EXPECT_EQ(std::vector<float>(8, 1.0f), out.row(1));
  params.tokens = 0;
  EXPECT_THROW(plan_expert_combine(params), msc::Error);
  params.tokens = 1;
  params.shared_row = -2;
  EXPECT_THROW(plan_expert_combine(params), msc::Error);
}

}  // namespace
}  // namespace cuda_ops
