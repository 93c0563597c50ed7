#include "tests/ops/attention_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "tests/ops/harness/half.h"
#include "tests/ops/text.h"

namespace optest {
namespace {

// The middle layer of three, so that a wrong layer offset is seen.
constexpr int64_t kLayers = 3;
constexpr int64_t kLayer = 1;

float scale_of(const AttentionShape& shape) { return 1.0f / std::sqrt(static_cast<float>(shape.k_width)); }

/// The head as a cache of this format holds it.
std::vector<double> stored(const float* head, int64_t width, int32_t format) {
  std::vector<double> result(head, head + width);
  if (format == MSC_FORMAT_BF16) {
    for (double& x : result) {
      const uint32_t bits = static_cast<uint32_t>(float_to_bf16(static_cast<float>(x))) << 16;
      x = std::bit_cast<float>(bits);
    }
  } else if (format == MSC_FORMAT_I8) {
    double largest = 0;
    for (const double x : result) {
      largest = std::max(largest, std::fabs(x));
    }
    const float scale = static_cast<float>(largest) / 127.0f;
    for (double& x : result) {
      x = static_cast<double>(std::nearbyint(static_cast<float>(x) * (1.0f / scale))) * static_cast<double>(scale);
    }
  }
  return result;
}

}  // namespace

std::string AttentionShape::name() const {
  const char* type = format == MSC_FORMAT_F32 ? "f32" : format == MSC_FORMAT_BF16 ? "bf16" : "i8";
  std::string result = text(q_heads, "q", kv_heads, "kv_", k_width);
  if (v_width != k_width) {
    result += text("v", v_width);
  }
  result += text("_", type, "_page", page_tokens);
  if (window > 0) {
    result += text("_window", window);
  }
  if (!causal) {
    result += "_bidirectional";
  }
  if (bias_reach >= 0) {
    result += text("_bias", bias_reach);
  }
  return sinks ? result + "_sinks" : result;
}

AttentionRig::AttentionRig(Session& session, const AttentionShape& shape, std::vector<int64_t> lengths, double value_scale)
    : session_(session), shape_(shape) {
  for (const int64_t length : lengths) {
    Tokens tokens{length, {}, {}, {}, {}, {}};
    tokens.q = session.rng().normals(length * shape.q_heads * shape.k_width, 2.0);
    tokens.k = session.rng().normals(length * shape.kv_heads * shape.k_width);
    tokens.v = session.rng().normals(length * shape.kv_heads * shape.v_width, value_scale);
    tokens.out.assign(static_cast<size_t>(length * shape.q_heads * shape.v_width), 0.0f);
    tokens.pages.resize(static_cast<size_t>((length + shape.page_tokens - 1) / shape.page_tokens));
    num_pages_ += static_cast<int64_t>(tokens.pages.size());
    sequences_.push_back(std::move(tokens));
  }
  std::vector<int32_t> free_pages(static_cast<size_t>(num_pages_));
  for (size_t i = 0; i < free_pages.size(); ++i) {
    free_pages[i] = static_cast<int32_t>(i);
    std::swap(free_pages[i], free_pages[static_cast<size_t>(session.rng().integer(0, static_cast<int64_t>(i)))]);
  }
  for (Tokens& tokens : sequences_) {
    for (int32_t& page : tokens.pages) {
      page = free_pages.back();
      free_pages.pop_back();
    }
  }
  if (shape.sinks) {
    sinks_ = session.rng().normals(shape.q_heads, 3.0);
  }
  if (shape.bias_reach >= 0) {
    bias_ = session.rng().normals(shape.q_heads * (2 * shape.bias_reach + 1), 2.0);
  }
  msc_kv_cache_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.format = shape.format;
  desc.num_layers = kLayers;
  desc.num_kv_heads = shape.kv_heads;
  desc.k_width = shape.k_width;
  desc.v_width = shape.v_width;
  desc.page_tokens = shape.page_tokens;
  desc.num_pages = num_pages_;
  desc.window = shape.window;
  EXPECT_EQ(msc_kv_cache_create(session.device(), &desc, &cache_), MSC_STATUS_OK) << last_error_text();
  session.keep([cache = cache_] { msc_kv_cache_destroy(cache); });
  poison();
}

msc_batch* AttentionRig::batch_of(const std::vector<Slice>& slices, Keys keys) {
  std::vector<Sequence> batch;
  for (const Slice& slice : slices) {
    Sequence sequence;
    sequence.first_position = slice.begin;
    sequence.token_ids.assign(static_cast<size_t>(slice.end - slice.begin), 0);
    std::vector<int32_t> pages = sequences_[slice.sequence].pages;
    // What lies before the window and behind the last position must not be looked at.
    const int64_t seen_from = shape_.window > 0 ? std::max<int64_t>(0, slice.begin - shape_.window + 1) : 0;
    std::fill(pages.begin(), pages.begin() + seen_from / shape_.page_tokens, -1);
    const int64_t end = keys == Keys::kOfSequence ? sequences_[slice.sequence].length : slice.end;
    if (keys == Keys::kOfSequence) {
      sequence.key_lengths = {static_cast<int32_t>(end)};
    }
    std::fill(pages.begin() + (end - 1) / shape_.page_tokens + 1, pages.end(), std::numeric_limits<int32_t>::max());
    sequence.page_tables = {std::move(pages)};
    batch.push_back(std::move(sequence));
  }
  return make_batch(session_, batch, 1);
}

std::vector<float> AttentionRig::rows(const std::vector<Slice>& slices, std::vector<float> Tokens::*member,
                                      int64_t width) const {
  std::vector<float> result;
  for (const Slice& slice : slices) {
    const std::vector<float>& source = sequences_[slice.sequence].*member;
    result.insert(result.end(), source.begin() + slice.begin * width, source.begin() + slice.end * width);
  }
  return result;
}

void AttentionRig::append(const std::vector<Slice>& slices, msc_batch* batch) {
  const int64_t q_width = shape_.q_heads * shape_.k_width;
  const int64_t k_width = shape_.kv_heads * shape_.k_width;
  const int64_t v_width = shape_.kv_heads * shape_.v_width;
  std::vector<float> k = rows(slices, &Tokens::k, k_width);
  const auto tokens = static_cast<int64_t>(k.size()) / k_width;
  msc_rope_append_params params = {};
  params.struct_size = sizeof params;
  params.layer = kLayer;
  params.num_q_heads = shape_.q_heads;
  params.q = session_.inout(unique("append_q"), tokens, q_width, rows(slices, &Tokens::q, q_width));
  params.k = session_.input(unique("k"), tokens, k_width, k, {.row_padding = 3, .shift = 1});
  params.v = session_.input(unique("v"), tokens, v_width, rows(slices, &Tokens::v, v_width), {.row_padding = 5});
  session_.run([&] { return msc_op_rope_append(session_.stream(), batch, cache_, &params); });
}

void AttentionRig::poison() {
  const int64_t tokens = num_pages_ * shape_.page_tokens;
  Sequence sequence;
  sequence.token_ids.assign(static_cast<size_t>(tokens), 0);
  sequence.page_tables.resize(1);
  for (int32_t page = 0; page < num_pages_; ++page) {
    sequence.page_tables[0].push_back(page);
  }
  msc_batch* batch = make_batch(session_, {sequence}, 1);
  const auto nans = [&](int64_t width) {
    return std::vector<float>(static_cast<size_t>(tokens * width), std::numeric_limits<float>::quiet_NaN());
  };
  msc_rope_append_params params = {};
  params.struct_size = sizeof params;
  params.layer = kLayer;
  params.num_q_heads = shape_.kv_heads;
  params.q = session_.inout(unique("nan_q"), tokens, shape_.kv_heads * shape_.k_width, nans(shape_.kv_heads * shape_.k_width));
  params.k = session_.input(unique("nan_k"), tokens, shape_.kv_heads * shape_.k_width, nans(shape_.kv_heads * shape_.k_width));
  params.v = session_.input(unique("nan_v"), tokens, shape_.kv_heads * shape_.v_width, nans(shape_.kv_heads * shape_.v_width));
  session_.run([&] { return msc_op_rope_append(session_.stream(), batch, cache_, &params); });
}

void AttentionRig::fill(const std::vector<Slice>& slices) { append(slices, batch_of(slices)); }

void AttentionRig::step(const std::vector<Slice>& slices, bool timed) {
  msc_batch* batch = batch_of(slices);
  append(slices, batch);
  attend(slices, batch, Keys::kOfBatch, timed);
}

void AttentionRig::attend(const std::vector<Slice>& slices, Keys keys, bool timed) {
  attend(slices, batch_of(slices, keys), keys, timed);
}

void AttentionRig::attend(const std::vector<Slice>& slices, msc_batch* batch, Keys keys, bool timed) {
  const int64_t q_width = shape_.q_heads * shape_.k_width;
  const int64_t out_width = shape_.q_heads * shape_.v_width;
  std::vector<float> q = rows(slices, &Tokens::q, q_width);
  const auto tokens = static_cast<int64_t>(q.size()) / q_width;
  msc_attention_params params = {};
  params.struct_size = sizeof params;
  params.layer = kLayer;
  params.num_q_heads = shape_.q_heads;
  params.q = session_.input(unique("q"), tokens, q_width, q, {.row_padding = 1});
  GuardedTensor& out = session_.output(unique("out"), tokens, out_width, {.row_padding = 7, .shift = 1});
  params.out = out;
  params.scale = scale_of(shape_);
  params.window = shape_.window;
  params.causal = shape_.causal ? 1 : 0;
  if (shape_.sinks) {
    params.sinks = session_.input(unique("sinks"), 1, shape_.q_heads, sinks_);
  }
  if (shape_.bias_reach >= 0) {
    params.bias = session_.input(unique("bias"), shape_.q_heads, 2 * shape_.bias_reach + 1, bias_, {.row_padding = 3});
  }
  Work work;
  if (timed) {
    for (const Slice& slice : slices) {
      const int64_t length = keys == Keys::kOfSequence ? sequences_[slice.sequence].length : slice.end;
      for (int64_t p = slice.begin; p < slice.end; ++p) {
        const int64_t looked_at = shape_.causal ? p + 1 : length;
        const int64_t seen = shape_.window > 0 ? std::min(shape_.window, looked_at) : looked_at;
        work.operations += 2.0 * static_cast<double>(seen * shape_.q_heads * (shape_.k_width + shape_.v_width));
      }
      const double element = shape_.format == MSC_FORMAT_F32 ? 4 : shape_.format == MSC_FORMAT_BF16 ? 2 : 1;
      work.bytes += static_cast<double>(slice.end * shape_.kv_heads * (shape_.k_width + shape_.v_width)) * element;
    }
  }
  session_.run([&] { return msc_op_attention(session_.stream(), batch, cache_, &params); }, work);
  const std::vector<float> result = out.floats();
  auto source = result.begin();
  for (const Slice& slice : slices) {
    const int64_t count = (slice.end - slice.begin) * out_width;
    std::copy(source, source + count, sequences_[slice.sequence].out.begin() + slice.begin * out_width);
    source += count;
  }
}

void AttentionRig::expect_reference(size_t sequence, int64_t begin, int64_t end, double limit) const {
  const Tokens& tokens = sequences_[sequence];
  const int64_t group = shape_.q_heads / shape_.kv_heads;
  std::vector<std::vector<double>> keys, values;
  const int64_t num_keys = shape_.causal ? end : tokens.length;
  for (int64_t i = 0; i < num_keys * shape_.kv_heads; ++i) {
    keys.push_back(stored(tokens.k.data() + i * shape_.k_width, shape_.k_width, shape_.format));
    values.push_back(stored(tokens.v.data() + i * shape_.v_width, shape_.v_width, shape_.format));
  }
  std::vector<float> expected, actual;
  for (int64_t p = begin; p < end; ++p) {
    const int64_t first = shape_.window > 0 ? std::max<int64_t>(0, p - shape_.window + 1) : 0;
    const int64_t last = shape_.causal ? p : tokens.length - 1;
    for (int64_t h = 0; h < shape_.q_heads; ++h) {
      const float* q = tokens.q.data() + (p * shape_.q_heads + h) * shape_.k_width;
      std::vector<double> scores;
      for (int64_t j = first; j <= last; ++j) {
        const std::vector<double>& key = keys[static_cast<size_t>(j * shape_.kv_heads + h / group)];
        double dot = 0;
        for (int64_t d = 0; d < shape_.k_width; ++d) {
          dot += static_cast<double>(q[d]) * key[static_cast<size_t>(d)];
        }
        scores.push_back(dot * static_cast<double>(scale_of(shape_)));
        if (shape_.bias_reach >= 0) {
          const int64_t distance = std::clamp(j - p, -shape_.bias_reach, shape_.bias_reach);
          scores.back() += static_cast<double>(
              bias_[static_cast<size_t>(h * (2 * shape_.bias_reach + 1) + distance + shape_.bias_reach)]);
        }
      }
      double largest = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      if (shape_.sinks) {
        largest = std::max(largest, static_cast<double>(sinks_[static_cast<size_t>(h)]));
        sum = std::exp(static_cast<double>(sinks_[static_cast<size_t>(h)]) - largest);
      }
      std::vector<double> row(static_cast<size_t>(shape_.v_width), 0.0);
      for (int64_t j = first; j <= last; ++j) {
        const double weight = std::exp(scores[static_cast<size_t>(j - first)] - largest);
        sum += weight;
        for (size_t c = 0; c < row.size(); ++c) {
          row[c] += weight * values[static_cast<size_t>(j * shape_.kv_heads + h / group)][c];
        }
      }
      for (size_t c = 0; c < row.size(); ++c) {
        expected.push_back(static_cast<float>(row[c] / sum));
        actual.push_back(tokens.out[static_cast<size_t>((p * shape_.q_heads + h) * shape_.v_width) + c]);
      }
    }
  }
  expect_nmse(actual, expected, limit,
              text("sequence ", sequence, ", positions ", begin, " to ", end));
}

}  // namespace optest
