// QK-norm, rotation and append to pages.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "cuda/rope/rope_append.h"
#include "tests/cuda/layer/cuda_target.h"
#include "tests/cuda/ops/tensor.h"
#include "tests/ops/harness/compare.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

using msc::cuda::KvPages;
using msc::cuda::KvType;
using msc::cuda::RopeAppendParams;

struct RopeCase {
  const char* name;
  ElementType type;
  KvType cache;
  int64_t q_heads;
  int64_t kv_heads;
  int64_t k_width;
  int64_t v_width;
  int64_t rotated;
  bool interleaved = false;
  bool normed = true;
};

const RopeCase kCases[] = {
    {"ling_bf16", kBf16, KvType::kBf16, 16, 4, 128, 128, 64},
    {"ling_i8", kBf16, KvType::kI8, 16, 4, 128, 128, 64},
    {"ling_f8", kBf16, KvType::kF8E4M3, 16, 4, 128, 128, 64},
    {"whole_interleaved", kF32, KvType::kBf16, 3, 1, 64, 64, 64, true, false},
    {"uneven_widths", kF32, KvType::kI8, 2, 2, 24, 40, 10, false, true},
    {"uneven_interleaved_f8", kF32, KvType::kF8E4M3, 5, 1, 33, 7, 6, true, true},
    {"no_rotation", kBf16, KvType::kBf16, 2, 1, 48, 48, 0, false, true},
};

/// One sequence's tokens: two that end one page and begin the next, and one of another sequence.
constexpr int64_t kTokens = 4;
constexpr int64_t kPageTokens = 16;
constexpr int64_t kNumPages = 5;
const std::vector<int32_t> kPositions = {15, 16, 17, 3};
const std::vector<int32_t> kSequences = {0, 0, 0, 1};
const std::vector<int32_t> kPageTable = {4, 1, 2, 9999};  // [2 sequences, 2]; the last entry is never used

struct Data {
  std::vector<float> q, k, v, q_norm, k_norm, table;
};

struct Result {
  std::vector<float> q;
  std::vector<uint8_t> cache;
  std::vector<int32_t> written;  // per byte of the cache
};

Result run(const RopeCase& c, const Data& data, const std::vector<size_t>& tokens) {
  const auto pick = [&](const auto& all, int64_t width) {
    std::remove_cvref_t<decltype(all)> some;
    for (const size_t t : tokens) {
      some.insert(some.end(), all.begin() + static_cast<int64_t>(t) * width, all.begin() + static_cast<int64_t>(t + 1) * width);
    }
    return some;
  };
  const auto count = static_cast<int64_t>(tokens.size());
  const Tensor q("q", c.type, count, c.q_heads * c.k_width, pick(data.q, c.q_heads * c.k_width), 2);
  const Tensor k("k", c.type, count, c.kv_heads * c.k_width, pick(data.k, c.kv_heads * c.k_width), 1);
  const Tensor v("v", c.type, count, c.kv_heads * c.v_width, pick(data.v, c.kv_heads * c.v_width), 3);
  const Tensor q_norm("q_norm", kF32, 1, c.k_width, data.q_norm);
  const Tensor k_norm("k_norm", kF32, 1, c.k_width, data.k_norm);
  const Tensor table("table", kF32, count, c.rotated, pick(data.table, c.rotated));
  const cuda_on_cpu::Array<int32_t> positions("positions", pick(kPositions, 1));
  const cuda_on_cpu::Array<int32_t> sequences("token_sequences", pick(kSequences, 1));
  const cuda_on_cpu::Array<int32_t> page_table("page_table", kPageTable);
  RopeAppendParams params = {};
  params.type = c.type;
  params.interleaved = c.interleaved;
  params.norm_eps = 1e-6f;
  params.tokens = count;
  params.num_q_heads = c.q_heads;
  params.layer = 1;
  params.rotated = c.rotated;
  params.q = q.data();
  params.q_stride = q.stride();
  params.k = k.data();
  params.k_stride = k.stride();
  params.v = v.data();
  params.v_stride = v.stride();
  params.q_norm = c.normed ? static_cast<const float*>(q_norm.data()) : nullptr;
  params.k_norm = c.normed ? static_cast<const float*>(k_norm.data()) : nullptr;
  params.table = c.rotated > 0 ? static_cast<const float*>(table.data()) : nullptr;
  params.table_stride = table.stride();
  params.positions = positions.data();
  params.token_sequences = sequences.data();
  params.page_table = page_table.data();
  params.page_table_stride = 2;
  params.pages = msc::cuda::lay_out_kv_pages(c.cache, 2, c.kv_heads, c.k_width, c.v_width, kPageTokens);
  const cuda_on_cpu::Array<uint8_t> cache("cache", static_cast<size_t>(params.pages.page_bytes * kNumPages));
  params.cache = cache.data();
  launch_rope_append(params, plan_rope_append(params), nullptr);
  q.expect_written();
  Result result = {q.values(), cache.values(), {}};
  for (size_t i = 0; i < cache.size(); ++i) {
    result.written.push_back(static_cast<int32_t>(cuda_on_cpu::memory().count_initialised(cache.data() + i, 1)));
  }
  return result;
}

std::vector<double> head_reference(const RopeCase& c, const float* x, const float* norm, const float* table) {
  std::vector<double> y(x, x + c.k_width);
  if (norm != nullptr) {
    double square = 0;
    for (const double value : y) {
      square += value * value / static_cast<double>(c.k_width);
    }
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] *= static_cast<double>(norm[i]) / std::sqrt(square + 1e-6);
    }
  }
  for (int64_t pair = 0; pair < c.rotated / 2; ++pair) {
    const auto a = static_cast<size_t>(c.interleaved ? 2 * pair : pair);
    const auto b = static_cast<size_t>(c.interleaved ? 2 * pair + 1 : pair + c.rotated / 2);
    const double cosine = static_cast<double>(table[pair]);
    const double sine = static_cast<double>(table[c.rotated / 2 + pair]);
    const double first = y[a] * cosine - y[b] * sine;
    y[b] = y[b] * cosine + y[a] * sine;
    y[a] = first;
  }
  return y;
}

float from_f8(uint8_t code) {
  const int exponent = code >> 3 & 15;
  const float mantissa = static_cast<float>(code & 7) / 8.0f;
  const float magnitude = exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1.0f + mantissa, exponent - 7);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

/// What the cache holds of a head, and marks its bytes as accounted for.
std::vector<float> stored(const RopeCase& c, Result& result, int64_t offset, int64_t scale_offset, int64_t slot, int64_t width) {
  std::vector<float> values;
  const auto take = [&](int64_t at, int64_t bytes) {
    for (int64_t i = 0; i < bytes; ++i) {
      if (cuda_on_cpu::sees_every_write()) {
        EXPECT_EQ(1, result.written[static_cast<size_t>(at + i)]) << "byte " << at + i << " of the cache was not written";
      }
      result.written[static_cast<size_t>(at + i)] = 0;
    }
    return result.cache.data() + at;
  };
  float scale = 1.0f;
  if (c.cache != KvType::kBf16) {
    std::memcpy(&scale, take(scale_offset + slot * 4, 4), 4);
  }
  for (int64_t i = 0; i < width; ++i) {
    if (c.cache == KvType::kBf16) {
      uint16_t bits = 0;
      std::memcpy(&bits, take(offset + (slot * width + i) * 2, 2), 2);
      values.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits) << 16));
    } else {
      const uint8_t code = *take(offset + slot * width + i, 1);
      values.push_back(scale * (c.cache == KvType::kI8 ? static_cast<float>(static_cast<int8_t>(code)) : from_f8(code)));
    }
  }
  return values;
}

class CudaRopeAppend : public testing::TestWithParam<RopeCase> {};

TEST_P(CudaRopeAppend, MatchesReference) {
  const RopeCase& c = GetParam();
  optest::Rng rng(std::string_view(c.name));
  const Data data = {.q = rounded(rng.normals(kTokens * c.q_heads * c.k_width), c.type),
                     .k = rounded(rng.normals(kTokens * c.kv_heads * c.k_width), c.type),
                     .v = rounded(rng.normals(kTokens * c.kv_heads * c.v_width), c.type),
                     .q_norm = rng.normals(c.k_width),
                     .k_norm = rng.normals(c.k_width),
                     .table = rng.normals(kTokens * c.rotated)};
  Result result;
  const std::vector<float> q = run_both_ways("rope_append_kernel", [&] {
    result = run(c, data, {0, 1, 2, 3});
    std::vector<float> all = result.q;
    all.insert(all.end(), result.cache.begin(), result.cache.end());
    return all;
  });
  const Result whole = result;
  const KvPages pages = msc::cuda::lay_out_kv_pages(c.cache, 2, c.kv_heads, c.k_width, c.v_width, kPageTokens);
  std::vector<float> expected_q, keys, expected_keys, values, expected_values;
  for (int64_t t = 0; t < kTokens; ++t) {
    const float* table = data.table.data() + t * c.rotated;
    for (int64_t h = 0; h < c.q_heads; ++h) {
      for (const double x : head_reference(c, data.q.data() + (t * c.q_heads + h) * c.k_width,
                                           c.normed ? data.q_norm.data() : nullptr, table)) {
        expected_q.push_back(static_cast<float>(x));
      }
    }
    const auto at = static_cast<size_t>(t);
    const int64_t page = kPageTable[static_cast<size_t>(kSequences[at] * 2 + kPositions[at] / kPageTokens)];
    const int64_t slot = kPositions[at] % kPageTokens;
    for (int64_t h = 0; h < c.kv_heads; ++h) {
      const int64_t block = page * pages.page_bytes + (c.kv_heads + h) * pages.head_bytes;
      for (const double x : head_reference(c, data.k.data() + (t * c.kv_heads + h) * c.k_width,
                                           c.normed ? data.k_norm.data() : nullptr, table)) {
        expected_keys.push_back(static_cast<float>(x));
      }
      const auto key = stored(c, result, block, block + pages.k_scale_offset, slot, c.k_width);
      keys.insert(keys.end(), key.begin(), key.end());
      const auto first = data.v.begin() + (t * c.kv_heads + h) * c.v_width;
      expected_values.insert(expected_values.end(), first, first + c.v_width);
      const auto value = stored(c, result, block + pages.v_offset, block + pages.v_scale_offset, slot, c.v_width);
      values.insert(values.end(), value.begin(), value.end());
    }
  }
  EXPECT_EQ(result.written, std::vector<int32_t>(result.written.size(), 0)) << "bytes that are no token's were written";
  optest::expect_nmse(whole.q, expected_q, c.type == kF32 ? 1e-11 : 5e-6, "q");
  const double limit = c.cache == KvType::kBf16 ? 5e-6 : c.cache == KvType::kI8 ? 3e-4 : 1e-3;
  optest::expect_nmse(keys, expected_keys, limit, "keys");
  optest::expect_nmse(values, expected_values, limit, "values");

  const Result alone = run(c, data, {2});
  const int64_t width = c.q_heads * c.k_width;
  optest::expect_bits_equal(alone.q, std::vector<float>(whole.q.begin() + 2 * width, whole.q.begin() + 3 * width), "a token alone");
  for (size_t i = 0; i < alone.cache.size(); ++i) {
    ASSERT_TRUE(alone.written[i] == 0 || alone.cache[i] == whole.cache[i]) << "the cache of a token alone, byte " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Layer, CudaRopeAppend, testing::ValuesIn(kCases), [](const auto& info) { return info.param.name; });

/// Damage stays visible: a scale that is NaN where an element is not finite.
TEST(CudaRopeAppendScales, NotFinite) {
  const RopeCase c = {"", kF32, KvType::kI8, 1, 1, 32, 32, 0, false, false};
  Data data = {std::vector<float>(128), std::vector<float>(128, 1.0f), std::vector<float>(128), {}, {}, {}};
  data.q_norm = data.k_norm = std::vector<float>(32);
  data.k[5] = INFINITY;
  Result result = run(c, data, {0});
  const KvPages pages = msc::cuda::lay_out_kv_pages(c.cache, 2, 1, 32, 32, kPageTokens);
  const int64_t block = 4 * pages.page_bytes + pages.head_bytes;
  for (const float x : stored(c, result, block, block + pages.k_scale_offset, 15, 32)) {
    EXPECT_TRUE(std::isnan(x));
  }
  for (const float x : stored(c, result, block + pages.v_offset, block + pages.v_scale_offset, 15, 32)) {
    EXPECT_EQ(0.0f, x);
  }
}

TEST(CudaRopeAppendPlan, Refuses) {
  EXPECT_THROW(msc::cuda::lay_out_kv_pages(KvType::kI8, 1, 1, 0, 64, 16), msc::Error);
  EXPECT_THROW(msc::cuda::lay_out_kv_pages(KvType::kI8, 1, 1, 64, 2048, 16), msc::Error);
  EXPECT_THROW(msc::cuda::lay_out_kv_pages(KvType::kI8, 1, 1, 64, 64, 24), msc::Error);
  float x[1] = {};
  int32_t i[1] = {};
  RopeAppendParams good = {};
  good.tokens = 1;
  good.num_q_heads = 1;
  good.q = good.cache = x;
  good.k = good.v = x;
  good.positions = good.token_sequences = good.page_table = i;
  good.pages = msc::cuda::lay_out_kv_pages(KvType::kBf16, 2, 1, 64, 64, 16);
  EXPECT_NO_THROW(plan_rope_append(good));
  const auto refuse = [&](auto change) {
    RopeAppendParams params = good;
    change(params);
    EXPECT_THROW(plan_rope_append(params), msc::Error);
  };
  refuse([](auto& p) { p.layer = 2; });
  refuse([](auto& p) { p.rotated = 66; });
  refuse([](auto& p) { p.rotated = 3; });
  refuse([](auto& p) { p.rotated = 2; });  // no table
  refuse([](auto& p) { p.tokens = 0; });
  refuse([](auto& p) { p.positions = nullptr; });
}

}  // namespace
}  // namespace cuda_ops
