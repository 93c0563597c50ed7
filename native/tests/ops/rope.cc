#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "cpu/kv/kv_cache.h"
#include "moesaic/attention.h"
#include "tests/ops/harness.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

/// Angles are float32 products, also where they are large.
void check_table(Session& session) {
  constexpr int64_t kHalf = 24;
  std::vector<float> inv_freq;
  for (int64_t i = 0; i < kHalf; ++i) {
    inv_freq.push_back(static_cast<float>(std::pow(10000.0, -static_cast<double>(i) / kHalf)));
  }
  const std::vector<Sequence> sequences = {{.first_position = 131000, .token_ids = std::vector<int32_t>(40, 0),
                                            .page_tables = {}},
                                           {.first_position = 0, .token_ids = {0, 0, 0}, .page_tables = {}}};
  msc_batch* batch = make_batch(session, sequences);
  GuardedTensor& table = session.output("table", 43, 2 * kHalf, {.row_padding = 3, .shift = 1});
  msc_rope_table_params params = {};
  params.struct_size = sizeof params;
  params.factor = 1.1386f;
  params.inv_freq = session.input("inv_freq", 1, kHalf, inv_freq);
  params.table = table;
  session.run([&] { return msc_op_rope_table(session.stream(), batch, &params); });
  std::vector<float> expected;
  for (int64_t t = 0; t < 43; ++t) {
    const auto position = static_cast<float>(t < 40 ? 131000 + t : t - 40);
    for (const bool sine : {false, true}) {
      for (const float frequency : inv_freq) {
        const auto angle = static_cast<double>(position * frequency);
        expected.push_back(static_cast<float>(1.1386 * (sine ? std::sin(angle) : std::cos(angle))));
      }
    }
  }
  expect_nmse(table.floats(), expected, 1e-13, "table");
}

enum class Norm { kNone, kHead, kWhole };

struct RopeShape {
  int64_t q_heads, kv_heads, k_width, v_width, d;
  int32_t pairing;
  Norm norm;
  int32_t format;
};

/// norm and rotation in double of head `h` of a token's `heads` heads, which begin at `all`.
std::vector<double> rotated(const float* all, int64_t h, int64_t heads, const RopeShape& shape,
                            const std::vector<float>& norm, const float* table) {
  const float* head = all + h * shape.k_width;
  std::vector<double> x(head, head + shape.k_width);
  if (shape.norm != Norm::kNone) {
    const bool whole = shape.norm == Norm::kWhole;
    const int64_t count = whole ? heads * shape.k_width : shape.k_width;
    double sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      const auto value = static_cast<double>((whole ? all : head)[i]);
      sum += value * value;
    }
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t element = i + (whole ? static_cast<size_t>(h * shape.k_width) : 0);
      x[i] *= static_cast<double>(norm[element]) / std::sqrt(sum / static_cast<double>(count) + 1e-5);
    }
  }
  std::vector<double> y = x;
  const auto half = static_cast<size_t>(shape.d / 2);
  for (size_t i = 0; i < half; ++i) {
    const size_t a = shape.pairing == MSC_ROPE_PAIRING_HALF_SPLIT ? i : 2 * i;
    const size_t b = shape.pairing == MSC_ROPE_PAIRING_HALF_SPLIT ? i + half : 2 * i + 1;
    const auto cosine = static_cast<double>(table[i]);
    const auto sine = static_cast<double>(table[half + i]);
    y[a] = x[a] * cosine - x[b] * sine;
    y[b] = x[b] * cosine + x[a] * sine;
  }
  return y;
}

/// Element (position, channel) of a head as the cache holds it.
double cached(const msc_kv_cache& cache, int64_t page, int64_t head, int64_t slot, int64_t channel, bool value) {
  const msc::cpu::KvLayout& layout = cache.layout;
  const std::byte* block = cache.memory.data() + layout.block_offset(page, 1, head);
  const int64_t group = slot / 16;
  const int64_t element = value ? (group * layout.v_padded + channel / 16 * 16) * 16 + slot % 16 * 16 + channel % 16
                                : group * 16 * layout.k_width + channel * 16 + slot % 16;
  const std::byte* base = block + (value ? layout.v_offset : 0);
  if (layout.format == MSC_FORMAT_F32) {
    return static_cast<double>(reinterpret_cast<const float*>(base)[element]);
  }
  if (layout.format == MSC_FORMAT_BF16) {
    const uint32_t bits = uint32_t{reinterpret_cast<const uint16_t*>(base)[element]} << 16;
    return static_cast<double>(std::bit_cast<float>(bits));
  }
  const auto* scales = reinterpret_cast<const float*>(block + (value ? layout.v_scale_offset : layout.k_scale_offset));
  return static_cast<double>(reinterpret_cast<const int8_t*>(base)[element]) * static_cast<double>(scales[slot]);
}

msc_kv_cache* make_cache(Session& session, const RopeShape& shape, int64_t num_pages) {
  msc_kv_cache_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.format = shape.format;
  desc.num_layers = 2;
  desc.num_kv_heads = shape.kv_heads;
  desc.k_width = shape.k_width;
  desc.v_width = shape.v_width;
  desc.page_tokens = 32;
  desc.num_pages = num_pages;
  msc_kv_cache* cache = nullptr;
  EXPECT_EQ(msc_kv_cache_create(session.device(), &desc, &cache), MSC_STATUS_OK) << last_error_text();
  session.keep([cache] { msc_kv_cache_destroy(cache); });
  return cache;
}

void check_append(Session& session, const RopeShape& shape) {
  constexpr int64_t kTokens = 45;  // 5 of one sequence, 40 of another that crosses pages
  msc_kv_cache* cache = make_cache(session, shape, 7);
  const std::vector<Sequence> sequences = {
      {.first_position = 62, .token_ids = std::vector<int32_t>(5, 0), .page_tables = {{-1, 6, 2}}},
      {.first_position = 3, .token_ids = std::vector<int32_t>(40, 0), .page_tables = {{4, 0}}}};
  msc_batch* batch = make_batch(session, sequences, 1);
  const std::vector<float> q = session.rng().normals(kTokens * shape.q_heads * shape.k_width);
  const std::vector<float> k = session.rng().normals(kTokens * shape.kv_heads * shape.k_width, 3.0);
  const std::vector<float> v = session.rng().normals(kTokens * shape.kv_heads * shape.v_width, 0.5);
  const bool whole = shape.norm == Norm::kWhole;
  const int64_t q_norm_width = shape.k_width * (whole ? shape.q_heads : 1);
  const int64_t k_norm_width = shape.k_width * (whole ? shape.kv_heads : 1);
  const std::vector<float> q_norm = session.rng().normals(q_norm_width);
  const std::vector<float> k_norm = session.rng().normals(k_norm_width);
  std::vector<float> table = session.rng().normals(kTokens * shape.d);
  GuardedTensor& q_tensor = session.inout("q", kTokens, shape.q_heads * shape.k_width, q, {.row_padding = 9, .shift = 1});
  msc_rope_append_params params = {};
  params.struct_size = sizeof params;
  params.pairing = shape.pairing;
  params.layer = 1;
  params.num_q_heads = shape.q_heads;
  params.q = q_tensor;
  params.k = session.input("k", kTokens, shape.kv_heads * shape.k_width, k, {.row_padding = 1});
  params.v = session.input("v", kTokens, shape.kv_heads * shape.v_width, v, {.shift = 3});
  if (shape.norm != Norm::kNone) {
    params.q_norm = session.input("q_norm", 1, q_norm_width, q_norm);
    params.k_norm = session.input("k_norm", 1, k_norm_width, k_norm);
    params.norm_eps = 1e-5f;
  }
  if (shape.d > 0) {
    params.rope_table = session.input("rope_table", kTokens, shape.d, table, {.row_padding = 2});
  }
  session.run([&] { return msc_op_rope_append(session.stream(), batch, cache, &params); });

  std::vector<float> expected_q, expected_k, expected_v, actual_k, actual_v;
  for (int64_t t = 0; t < kTokens; ++t) {
    const float* row = table.data() + t * shape.d;
    for (int64_t h = 0; h < shape.q_heads; ++h) {
      for (const double x : rotated(q.data() + t * shape.q_heads * shape.k_width, h, shape.q_heads, shape, q_norm, row)) {
        expected_q.push_back(static_cast<float>(x));
      }
    }
    const int64_t position = t < 5 ? 62 + t : 3 + t - 5;
    const int64_t page = t < 5 ? (position < 64 ? 6 : 2) : (position < 32 ? 4 : 0);
    for (int64_t h = 0; h < shape.kv_heads; ++h) {
      const std::vector<double> key =
          rotated(k.data() + t * shape.kv_heads * shape.k_width, h, shape.kv_heads, shape, k_norm, row);
      for (int64_t i = 0; i < shape.k_width; ++i) {
        expected_k.push_back(static_cast<float>(key[static_cast<size_t>(i)]));
        actual_k.push_back(static_cast<float>(cached(*cache, page, h, position % 32, i, false)));
      }
      for (int64_t i = 0; i < shape.v_width; ++i) {
        expected_v.push_back(v[static_cast<size_t>((t * shape.kv_heads + h) * shape.v_width + i)]);
        actual_v.push_back(static_cast<float>(cached(*cache, page, h, position % 32, i, true)));
      }
    }
  }
  const double limit = shape.format == MSC_FORMAT_F32 ? 1e-12 : shape.format == MSC_FORMAT_BF16 ? 1e-5 : 3e-4;
  expect_nmse(q_tensor.floats(), expected_q, 1e-12, "q");
  expect_nmse(actual_k, expected_k, limit, "keys");
  expect_nmse(actual_v, expected_v, limit, "values");
  if (shape.format == MSC_FORMAT_F32) {
    expect_bits_equal(actual_v, expected_v, "values");
  }
}

/// A wrong page is refused before anything is written.
void check_refusals(Session& session) {
  const RopeShape shape = {1, 1, 16, 16, 0, MSC_ROPE_PAIRING_HALF_SPLIT, Norm::kNone, MSC_FORMAT_F32};
  msc_kv_cache* cache = make_cache(session, shape, 3);
  const auto batch_with = [&](std::vector<int32_t> pages) {
    return make_batch(session,
                      {{.first_position = 0, .token_ids = {0}, .page_tables = {{0}}},
                       {.first_position = 31, .token_ids = {0, 0}, .page_tables = {std::move(pages)}}},
                      1);
  };
  msc_rope_append_params params = {};
  params.struct_size = sizeof params;
  params.layer = 1;
  params.num_q_heads = 1;
  params.q = session.inout("q", 3, 16, session.rng().normals(48));
  params.k = session.input("k", 3, 16, session.rng().normals(48));
  params.v = session.input("v", 3, 16, session.rng().normals(48));
  const auto refuse = [&](msc_batch* batch, const std::vector<std::string>& parts) {
    session.run_refused([&] { return msc_op_rope_append(session.stream(), batch, cache, &params); },
                        MSC_STATUS_BAD_ARGUMENT, parts);
  };
  refuse(batch_with({1, 3}), {"sequence 1", "entry 1", "page 3"});
  refuse(batch_with({-1, 1}), {"sequence 1", "entry 0", "page -1"});
  refuse(batch_with({1}), {"sequence 1", "entry 1"});
  msc_batch* good = batch_with({1, 2});
  params.layer = 2;
  refuse(good, {"layer is 2"});
  params.layer = 1;
  params.pairing = 2;
  refuse(good, {"pairing is 2"});
  params.pairing = 0;
  params.num_q_heads = 2;
  refuse(good, {"'q'", "[3, 32]"});
  params.num_q_heads = 1;
  params.k_norm = session.input("k_norm", 1, 8, session.rng().normals(8));
  refuse(good, {"'k_norm'", "[1, 8]", "[1, 16]"});
  for (uint64_t i = 0; i < cache->layout.total_bytes; ++i) {
    ASSERT_EQ(cache->memory.data()[i], std::byte{0}) << "the cache was written at byte " << i;
  }

  msc_attention_params attention = {};
  attention.struct_size = sizeof attention;
  attention.layer = 1;
  attention.num_q_heads = 1;
  attention.q = params.k;
  attention.out = session.output("out", 3, 16);
  attention.scale = 1.0f;
  attention.causal = 1;
  const auto refuse_attention = [&](const msc_attention_params& bad, const char* part) {
    session.run_refused([&] { return msc_op_attention(session.stream(), good, cache, &bad); }, MSC_STATUS_BAD_ARGUMENT,
                        {part});
  };
  msc_attention_params bad = attention;
  bad.softcap = 30.0f;
  refuse_attention(bad, "softcap is 30");
  bad = attention;
  bad.causal = 2;
  refuse_attention(bad, "causal is 2");
  bad = attention;
  bad.bias = session.input("bias", 1, 2, std::vector<float>{0, 0});
  refuse_attention(bad, "'bias' has 2 columns");
  bad = attention;
  bad.window = -1;
  refuse_attention(bad, "window is -1");
  bad = attention;
  bad.scale = INFINITY;
  refuse_attention(bad, "scale is inf");
  bad = attention;
  bad.out = attention.q;
  refuse_attention(bad, "'out' overlaps 'q'");
}

constexpr const char* kNormNames[] = {"", "_norm", "_wholenorm"};

OP_CASES(rope) {
  add_case("rope_table", "large_angles", check_table);
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
    for (const int32_t pairing : {MSC_ROPE_PAIRING_HALF_SPLIT, MSC_ROPE_PAIRING_INTERLEAVED}) {
      for (const Norm norm : {Norm::kNone, Norm::kHead, Norm::kWhole}) {
        for (const auto& [k_width, v_width, d] :
             {std::array<int64_t, 3>{128, 128, 64}, {64, 64, 64}, {80, 48, 20}, {33, 7, 2}, {16, 16, 0}}) {
          const RopeShape shape = {6, 2, k_width, v_width, d, pairing, norm, format};
          add_case("rope_append",
                   text(k_width, "v", v_width, "_rotated", d, pairing == 0 ? "_halves" : "_pairs", kNormNames[static_cast<int>(norm)], "_format", format),
                   [=](Session& session) { check_append(session, shape); });
        }
      }
    }
  }
  add_case("rope_append", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
