#include "tests/cuda/ops/attention_case.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/cuda/layer/cuda_target.h"
#include "tests/ops/harness/random.h"

namespace cuda_ops {
namespace {

constexpr float kScale = 0.11f;

double value_of_f8(uint8_t code) {
  const int exponent = code >> 3 & 15;
  const double mantissa = (code & 7) / 8.0;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -6) : std::ldexp(1.0 + mantissa, exponent - 7);
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}

}  // namespace

int64_t AttentionData::num_positions(size_t sequence) const {
  const AttentionTokens& tokens = c.sequences[sequence];
  return std::max(tokens.position + tokens.count, tokens.key_length);
}

AttentionData::Stored AttentionData::store(std::vector<float> x) const {
  Stored stored;
  float largest = 0.0f;
  for (const float value : x) {
    largest = std::max(largest, std::fabs(value));
  }
  stored.scale = c.cache == KvType::kBf16 ? 1.0f : largest / (c.cache == KvType::kI8 ? 127.0f : 448.0f);
  for (const float value : x) {
    if (c.cache == KvType::kBf16) {
      const uint16_t bits = msc::cuda::bf16_bits(value);
      stored.bytes.push_back(static_cast<uint8_t>(bits));
      stored.bytes.push_back(static_cast<uint8_t>(bits >> 8));
      stored.values.push_back(static_cast<double>(rounded(value, kBf16)));
    } else if (c.cache == KvType::kI8) {
      const int8_t code = msc::cuda::int8_of(value / stored.scale);
      stored.bytes.push_back(static_cast<uint8_t>(code));
      stored.values.push_back(static_cast<double>(stored.scale) * code);
    } else {
      const uint8_t code = msc::cuda::f8_e4m3_bits(value / stored.scale);
      stored.bytes.push_back(code);
      stored.values.push_back(static_cast<double>(stored.scale) * value_of_f8(code));
    }
  }
  return stored;
}

AttentionData::AttentionData(const AttentionCase& the_case) : c(the_case) {
  optest::Rng rng(std::string_view(c.name));
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    q_.push_back(rounded(rng.normals(c.sequences[s].count * c.q_heads * c.k_width, 2.0), c.type));
    keys_.emplace_back();
    values_.emplace_back();
    for (int64_t i = 0; i < num_positions(s) * c.kv_heads; ++i) {
      keys_[s].push_back(store(rng.normals(c.k_width)));
      values_[s].push_back(store(rng.normals(c.v_width)));
    }
  }
  sinks_ = rng.normals(c.q_heads, 3.0);
  bias_ = rng.normals(c.q_heads * (2 * std::max<int64_t>(c.bias_reach, 0) + 1));
}

uint64_t AttentionData::tree_of(int32_t token) {
  // Token t's parent is token t / 2 - 1 or the sequence; so branches share their stems.
  uint64_t sees = uint64_t{1} << token;
  for (int32_t t = token / 2 - 1; t >= 0; t = t / 2 - 1) {
    sees |= uint64_t{1} << t;
  }
  return sees;
}

std::vector<float> AttentionData::run(std::span<const Tokens> tokens, unsigned processors) const {
  std::vector<float> q;
  std::vector<int32_t> offsets = {0}, positions, lengths;
  std::vector<uint64_t> trees;
  std::vector<int32_t> table;
  const KvPages pages = msc::cuda::lay_out_kv_pages(c.cache, 2, c.kv_heads, c.k_width, c.v_width, c.page_tokens);
  int64_t stride = 1;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    stride = std::max(stride, num_positions(s) / c.page_tokens + 2);
  }
  // Pages of all sequences, taken from the end, one between any two.
  int64_t num_pages = 1;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    num_pages += 2 * ((num_positions(s) + c.page_tokens - 1) / c.page_tokens);
  }
  const cuda_on_cpu::Array<uint8_t> cache("cache", static_cast<size_t>(num_pages * pages.page_bytes));
  int64_t next_page = num_pages - 1;
  const auto write = [&](int64_t at, const void* from, size_t bytes) {
    std::memcpy(cache.data() + at, from, bytes);
    cuda_on_cpu::memory().set_initialised(cache.data() + at, bytes);
  };
  for (const Tokens& part : tokens) {
    const AttentionTokens& whole = c.sequences[part.sequence];
    const auto first = q_[part.sequence].begin() + int64_t{part.position - whole.position} * c.q_heads * c.k_width;
    q.insert(q.end(), first, first + int64_t{part.count} * c.q_heads * c.k_width);
    offsets.push_back(offsets.back() + part.count);
    positions.push_back(part.position);
    lengths.push_back(whole.key_length);
    for (int32_t t = 0; t < part.count; ++t) {
      trees.push_back(tree_of(t));
    }
    const int64_t written = c.causal ? part.position + part.count : num_positions(part.sequence);
    std::vector<int32_t> row(static_cast<size_t>(stride), 99999);
    // What lies before the window may belong to others by now.
    const int64_t kept = c.window > 0 ? std::max<int64_t>(0, part.position - c.window + 1) : 0;
    for (int64_t p = kept; p < written; ++p) {
      int32_t& page = row[static_cast<size_t>(p / c.page_tokens)];
      if (page == 99999) {
        page = static_cast<int32_t>(next_page);
        next_page -= 2;
      }
      for (int64_t h = 0; h < c.kv_heads; ++h) {
        const int64_t head = page * pages.page_bytes + (c.kv_heads + h) * pages.head_bytes;  // of layer 1
        const int64_t slot = p % c.page_tokens;
        const Stored& key = keys_[part.sequence][static_cast<size_t>(p * c.kv_heads + h)];
        const Stored& value = values_[part.sequence][static_cast<size_t>(p * c.kv_heads + h)];
        write(head + slot * static_cast<int64_t>(key.bytes.size()), key.bytes.data(), key.bytes.size());
        write(head + pages.v_offset + slot * static_cast<int64_t>(value.bytes.size()), value.bytes.data(), value.bytes.size());
        if (c.cache != KvType::kBf16) {
          write(head + pages.k_scale_offset + slot * 4, &key.scale, 4);
          write(head + pages.v_scale_offset + slot * 4, &value.scale, 4);
        }
      }
    }
    table.insert(table.end(), row.begin(), row.end());
  }
  const int64_t count = offsets.back();
  const Tensor queries("q", c.type, count, c.q_heads * c.k_width, q, 3);
  const Tensor out("out", c.type, count, c.q_heads * c.v_width, 5);
  const Tensor sinks("sinks", kF32, 1, c.q_heads, sinks_);
  const Tensor bias("bias", kF32, c.q_heads, 2 * std::max<int64_t>(c.bias_reach, 0) + 1, bias_, 1);
  const cuda_on_cpu::Array<int32_t> page_table("page_table", table);
  const cuda_on_cpu::Array<uint64_t> tree("tree", trees);

  msc::cuda::AttentionParams params = {};
  params.type = c.type;
  params.num_q_heads = c.q_heads;
  params.layer = 1;
  params.q = queries.data();
  params.q_stride = queries.stride();
  params.out = out.data();
  params.out_stride = out.stride();
  params.scale = kScale;
  params.softcap = c.softcap;
  params.window = c.window;
  params.sinks = c.sinks ? static_cast<const float*>(sinks.data()) : nullptr;
  params.bias = c.bias_reach >= 0 ? static_cast<const float*>(bias.data()) : nullptr;
  params.bias_stride = bias.stride();
  params.bias_reach = std::max<int64_t>(c.bias_reach, 0);
  params.tree = c.tree ? tree.data() : nullptr;
  params.page_table = page_table.data();
  params.page_table_stride = stride;
  params.cache = cache.data();
  params.pages = pages;
  const msc::cuda::AttentionPlan plan = plan_attention(params);
  msc::cuda::AttentionSchedule schedule({c.q_heads, c.kv_heads, c.window, c.causal, c.tree}, plan, processors);
  schedule.make({static_cast<int64_t>(tokens.size()), offsets.data(), positions.data(), lengths.data()});
  const cuda_on_cpu::Array<msc::cuda::AttentionItem> warp_items("warp_items", schedule.warp_list().items);
  const cuda_on_cpu::Array<msc::cuda::AttentionItem> block_items("block_items", schedule.block_list().items);
  const cuda_on_cpu::Array<msc::cuda::AttentionItem> combine_items("combine_items", schedule.combine_list().items);
  const cuda_on_cpu::Array<int32_t> warp_begin("warp_begin", schedule.warp_list().begin);
  const cuda_on_cpu::Array<int32_t> block_begin("block_begin", schedule.block_list().begin);
  const cuda_on_cpu::Array<int32_t> combine_begin("combine_begin", schedule.combine_list().begin);
  const auto rows = static_cast<size_t>(schedule.partial_rows());
  const cuda_on_cpu::Array<float> partials("partials", rows * static_cast<size_t>(c.v_width));
  const cuda_on_cpu::Array<float> partial_of("partial_of", rows * 2);
  params.work = {warp_items.data(),    warp_begin.data(), block_items.data(), block_begin.data(),
                 combine_items.data(), combine_begin.data(), partials.data(),  partial_of.data()};
  launch_attention(params, plan, schedule.grid(), nullptr);
  out.expect_written();
  return out.values();
}

std::vector<float> AttentionData::run_all() const {
  std::vector<Tokens> tokens;
  for (size_t s = 0; s < c.sequences.size(); ++s) {
    tokens.push_back({s, c.sequences[s].position, c.sequences[s].count});
  }
  return run(tokens, c.processors);
}

std::vector<float> AttentionData::reference(size_t sequence, int32_t position) const {
  const AttentionTokens& tokens = c.sequences[sequence];
  const int32_t token = position - tokens.position;
  const int64_t end = c.causal ? position + 1 : tokens.key_length > 0 ? tokens.key_length : tokens.position + tokens.count;
  const int64_t begin = c.window > 0 ? std::max<int64_t>(0, position - c.window + 1) : 0;
  std::vector<float> out;
  for (int64_t h = 0; h < c.q_heads; ++h) {
    const int64_t kv_head = h / (c.q_heads / c.kv_heads);
    const float* q = q_[sequence].data() + (token * c.q_heads + h) * c.k_width;
    std::vector<double> weights;
    double largest = c.sinks ? static_cast<double>(sinks_[static_cast<size_t>(h)]) : -1e300;
    std::vector<int64_t> seen;
    for (int64_t j = begin; j < end; ++j) {
      if (c.tree && j >= tokens.position && (tree_of(token) >> (j - tokens.position) & 1) == 0) {
        continue;
      }
      const Stored& key = keys_[sequence][static_cast<size_t>(j * c.kv_heads + kv_head)];
      double score = 0;
      for (int64_t i = 0; i < c.k_width; ++i) {
        score += static_cast<double>(q[i]) * key.values[static_cast<size_t>(i)];
      }
      score *= static_cast<double>(kScale);
      if (c.softcap > 0) {
        score = static_cast<double>(c.softcap) * std::tanh(score / static_cast<double>(c.softcap));
      }
      if (c.bias_reach >= 0) {
        const int64_t distance = std::clamp(j - position, -c.bias_reach, c.bias_reach);
        score += static_cast<double>(bias_[static_cast<size_t>(h * (2 * c.bias_reach + 1) + distance + c.bias_reach)]);
      }
      seen.push_back(j);
      weights.push_back(score);
      largest = std::max(largest, score);
    }
    double sum = c.sinks ? std::exp(static_cast<double>(sinks_[static_cast<size_t>(h)]) - largest) : 0.0;
    for (double& weight : weights) {
      weight = std::exp(weight - largest);
      sum += weight;
    }
    for (int64_t i = 0; i < c.v_width; ++i) {
      double value = 0;
      for (size_t j = 0; j < seen.size(); ++j) {
        value += weights[j] / sum * values_[sequence][static_cast<size_t>(seen[j] * c.kv_heads + kv_head)].values[static_cast<size_t>(i)];
      }
      out.push_back(static_cast<float>(value));
    }
  }
  return out;
}

}  // namespace cuda_ops
