#pragma once

#include "moesaic/latent.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tests/ops/harness.h"
#include "tests/ops/harness/half.h"
#include "tests/ops/linear_rig.h"
#include "tests/ops/text.h"

namespace optest {

constexpr int64_t kChunk = 256;  // kAttentionChunk
constexpr int64_t kLayers = 2;
constexpr int64_t kLayer = 1;
constexpr float kEps = 1e-6f;

struct LatentShape {
  int64_t heads = 4;
  int64_t latent = 32;
  int64_t rotated = 16;
  int64_t nope = 24;
  int64_t value = 24;
  int32_t format = MSC_FORMAT_F32;
  int64_t page_tokens = 16;
  int32_t pairing = MSC_ROPE_PAIRING_INTERLEAVED;

  int64_t k_width() const { return latent + rotated; }
  int64_t q_width() const { return nope + rotated; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(q_width())); }
  std::string name() const {
    const char* type = format == MSC_FORMAT_F32 ? "f32" : format == MSC_FORMAT_BF16 ? "bf16" : "i8";
    return text("h", heads, "_c", latent, "_r", rotated, "_n", nope, "_v", value, "_", type, "_page", page_tokens,
                pairing == MSC_ROPE_PAIRING_HALF_SPLIT ? "_half" : "");
  }
};

/// Positions [begin, end) of a sequence, run in one step.
struct Part {
  size_t sequence;
  int64_t begin;
  int64_t end;
};

enum class Form { kAbsorbed, kExpanded };

/// Rounds [begin, end) as a cache of the format holds it.
inline void round_as_stored(std::vector<double>& x, size_t begin, size_t end, int32_t format) {
  if (format == MSC_FORMAT_BF16) {
    for (size_t i = begin; i < end; ++i) {
      x[i] = std::bit_cast<float>(static_cast<uint32_t>(float_to_bf16(static_cast<float>(x[i]))) << 16);
    }
  } else if (format == MSC_FORMAT_I8) {
    double largest = 0;
    for (size_t i = begin; i < end; ++i) {
      largest = std::max(largest, std::fabs(x[i]));
    }
    const float scale = static_cast<float>(largest) / 127.0f;
    for (size_t i = begin; i < end; ++i) {
      x[i] = static_cast<double>(std::nearbyint(static_cast<float>(x[i]) * (1.0f / scale))) * static_cast<double>(scale);
    }
  }
}

/// Sequences of random queries and latents with head maps, and a latent cache whose scattered pages are full of NaN before
/// they are used.
class LatentRig {
 public:
  LatentRig(Session& session, const LatentShape& shape, const std::vector<int64_t>& lengths)
      : session_(session), shape_(shape) {
    const double spread = 1.0 / std::sqrt(static_cast<double>(shape.latent));
    key_values_ = session.rng().normals(shape.heads * shape.nope * shape.latent, spread);
    value_values_ = session.rng().normals(shape.heads * shape.value * shape.latent, spread);
    std::vector<float> transposed(key_values_.size());
    for (int64_t h = 0; h < shape.heads; ++h) {
      for (int64_t n = 0; n < shape.nope; ++n) {
        for (int64_t c = 0; c < shape.latent; ++c) {
          transposed[static_cast<size_t>((h * shape.latent + c) * shape.nope + n)] =
              key_values_[static_cast<size_t>((h * shape.nope + n) * shape.latent + c)];
        }
      }
    }
    absorb_ = make_float_weight(session, MSC_FORMAT_F32, shape.latent, shape.nope, transposed, shape.heads).handle;
    key_ = make_float_weight(session, MSC_FORMAT_F32, shape.nope, shape.latent, key_values_, shape.heads).handle;
    value_ = make_float_weight(session, MSC_FORMAT_F32, shape.value, shape.latent, value_values_, shape.heads).handle;
    norm_ = session.rng().normals(shape.latent, 1.0);
    for (const int64_t length : lengths) {
      Tokens tokens;
      tokens.q = session.rng().normals(length * shape.heads * shape.q_width(), 1.5);
      tokens.kv = session.rng().normals(length * shape.k_width(), 1.5);
      tokens.out.assign(static_cast<size_t>(length * shape.heads * shape.value), 0.0f);
      tokens.pages.resize(static_cast<size_t>((length + shape.page_tokens - 1) / shape.page_tokens));
      num_pages_ += static_cast<int64_t>(tokens.pages.size());
      sequences_.push_back(std::move(tokens));
    }
    int32_t next = static_cast<int32_t>(num_pages_);
    for (Tokens& tokens : sequences_) {
      for (int32_t& page : tokens.pages) {
        page = --next;
      }
    }
    msc_kv_cache_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.format = shape.format;
    desc.num_layers = kLayers;
    desc.num_kv_heads = 1;
    desc.k_width = shape.k_width();
    desc.latent_width = shape.latent;
    desc.page_tokens = shape.page_tokens;
    desc.num_pages = num_pages_;
    EXPECT_EQ(msc_kv_cache_create(session.device(), &desc, &cache_), MSC_STATUS_OK) << last_error_text();
    session.keep([cache = cache_] { msc_kv_cache_destroy(cache); });
    poison();
  }

  msc_kv_cache* cache() const { return cache_; }

  /// One step over these parts, in this order: append, then attention in the given form.
  void step(const std::vector<Part>& parts, Form form) {
    msc_batch* batch = batch_of(parts);
    const int64_t q_cols = shape_.heads * shape_.q_width();
    const int64_t out_cols = shape_.heads * shape_.value;
    const std::vector<float> q = rows(parts, &Tokens::q, q_cols);
    const int64_t tokens = static_cast<int64_t>(q.size()) / q_cols;
    GuardedTensor& queries = session_.inout(unique("q"), tokens, q_cols, q, {.row_padding = 3});
    GuardedTensor& out = session_.output(unique("out"), tokens, out_cols, {.row_padding = 5, .shift = 1});
    if (form == Form::kExpanded) {
      append(parts, batch, queries, queries);
      msc_latent_expanded_params params = {};
      params.struct_size = sizeof params;
      params.layer = kLayer;
      params.num_q_heads = shape_.heads;
      params.q = queries;
      params.key = key_;
      params.value = value_;
      params.out = out;
      params.scale = shape_.scale();
      session_.run([&] { return msc_op_latent_expanded(session_.stream(), batch, cache_, &params); });
    } else {
      GuardedTensor& absorbed = session_.output(unique("absorbed"), tokens, shape_.heads * shape_.k_width(), {.row_padding = 1});
      GuardedTensor& latents = session_.output(unique("latents"), tokens, shape_.heads * shape_.latent, {.row_padding = 7});
      append(parts, batch, queries, absorbed);
      apply(absorb_, queries, absorbed);
      msc_attention_params params = {};
      params.struct_size = sizeof params;
      params.layer = kLayer;
      params.num_q_heads = shape_.heads;
      params.q = absorbed;
      params.out = latents;
      params.scale = shape_.scale();
      params.causal = 1;
      session_.run([&] { return msc_op_attention(session_.stream(), batch, cache_, &params); });
      apply(value_, latents, out);
    }
    const std::vector<float> result = out.floats();
    auto source = result.begin();
    for (const Part& part : parts) {
      const int64_t count = (part.end - part.begin) * out_cols;
      std::copy(source, source + count, sequences_[part.sequence].out.begin() + part.begin * out_cols);
      source += count;
    }
  }

  void apply(msc_weight* weight, const msc_tensor& input, const msc_tensor& out) {
    msc_head_linear_params params = {};
    params.struct_size = sizeof params;
    params.weight = weight;
    params.input = input;
    params.out = out;
    session_.run([&] { return msc_op_head_linear(session_.stream(), &params); });
  }

  const std::vector<float>& outputs(size_t sequence) const { return sequences_[sequence].out; }

  /// Attention with per-head keys and values written out in double, over what the cache's format holds.
  void expect_reference(size_t sequence, int64_t begin, int64_t end) const {
    const Tokens& tokens = sequences_[sequence];
    std::vector<std::vector<double>> latents;
    for (int64_t p = 0; p < end; ++p) {
      latents.push_back(latent_of(tokens, p));
    }
    std::vector<float> expected, actual;
    for (int64_t h = 0; h < shape_.heads; ++h) {
      std::vector<std::vector<double>> keys, values;
      for (const std::vector<double>& latent : latents) {
        keys.push_back(map(key_values_, h, shape_.nope, latent));
        keys.back().insert(keys.back().end(), latent.begin() + shape_.latent, latent.end());
        values.push_back(map(value_values_, h, shape_.value, latent));
      }
      for (int64_t p = begin; p < end; ++p) {
        const float* q = tokens.q.data() + (p * shape_.heads + h) * shape_.q_width();
        std::vector<double> query(q, q + shape_.q_width());
        rotate(query, static_cast<size_t>(shape_.nope), p);
        std::vector<double> scores;
        for (int64_t j = 0; j <= p; ++j) {
          double dot = 0;
          for (size_t i = 0; i < query.size(); ++i) {
            dot += query[i] * keys[static_cast<size_t>(j)][i];
          }
          scores.push_back(dot * static_cast<double>(shape_.scale()));
        }
        const double largest = *std::max_element(scores.begin(), scores.end());
        double sum = 0;
        std::vector<double> row(static_cast<size_t>(shape_.value), 0.0);
        for (int64_t j = 0; j <= p; ++j) {
          const double weight = std::exp(scores[static_cast<size_t>(j)] - largest);
          sum += weight;
          for (size_t i = 0; i < row.size(); ++i) {
            row[i] += weight * values[static_cast<size_t>(j)][i];
          }
        }
        for (size_t i = 0; i < row.size(); ++i) {
          expected.push_back(static_cast<float>(row[i] / sum));
          actual.push_back(tokens.out[static_cast<size_t>((p * shape_.heads + h) * shape_.value) + i]);
        }
      }
    }
    expect_nmse(actual, expected, 1e-10, text("sequence ", sequence, ", positions ", begin, " to ", end));
  }

 private:
  struct Tokens {
    std::vector<float> q, kv, out;
    std::vector<int32_t> pages;
  };

  static double angle(int64_t position, int64_t pair, int64_t d) {
    return static_cast<double>(static_cast<float>(position) *
                               static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(pair) / static_cast<double>(d))));
  }

  void rotate(std::vector<double>& x, size_t first, int64_t position) const {
    const int64_t half = shape_.rotated / 2;
    for (int64_t i = 0; i < half; ++i) {
      const bool interleaved = shape_.pairing == MSC_ROPE_PAIRING_INTERLEAVED;
      double& a = x[first + static_cast<size_t>(interleaved ? 2 * i : i)];
      double& b = x[first + static_cast<size_t>(interleaved ? 2 * i + 1 : half + i)];
      const double c = std::cos(angle(position, i, shape_.rotated));
      const double s = std::sin(angle(position, i, shape_.rotated));
      const double turned = a * c - b * s;
      b = b * c + a * s;
      a = turned;
    }
  }

  std::vector<double> latent_of(const Tokens& tokens, int64_t position) const {
    const float* kv = tokens.kv.data() + position * shape_.k_width();
    std::vector<double> x(kv, kv + shape_.k_width());
    double squares = 0;
    for (int64_t i = 0; i < shape_.latent; ++i) {
      squares += x[static_cast<size_t>(i)] * x[static_cast<size_t>(i)];
    }
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(shape_.latent) + static_cast<double>(kEps));
    for (int64_t i = 0; i < shape_.latent; ++i) {
      x[static_cast<size_t>(i)] *= inverse * static_cast<double>(norm_[static_cast<size_t>(i)]);
    }
    rotate(x, static_cast<size_t>(shape_.latent), position);
    round_as_stored(x, 0, static_cast<size_t>(shape_.latent), shape_.format);
    round_as_stored(x, static_cast<size_t>(shape_.latent), x.size(), shape_.format);
    return x;
  }

  std::vector<double> map(const std::vector<float>& weight, int64_t head, int64_t rows, const std::vector<double>& latent) const {
    std::vector<double> y(static_cast<size_t>(rows), 0.0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < shape_.latent; ++c) {
        y[static_cast<size_t>(r)] +=
            static_cast<double>(weight[static_cast<size_t>((head * rows + r) * shape_.latent + c)]) * latent[static_cast<size_t>(c)];
      }
    }
    return y;
  }

  msc_batch* batch_of(const std::vector<Part>& parts) {
    std::vector<Sequence> batch;
    for (const Part& part : parts) {
      Sequence sequence;
      sequence.first_position = part.begin;
      sequence.token_ids.assign(static_cast<size_t>(part.end - part.begin), 0);
      std::vector<int32_t> pages = sequences_[part.sequence].pages;
      std::fill(pages.begin() + (part.end - 1) / shape_.page_tokens + 1, pages.end(), std::numeric_limits<int32_t>::max());
      sequence.page_tables = {std::move(pages)};
      batch.push_back(std::move(sequence));
    }
    return make_batch(session_, batch, 1);
  }

  std::vector<float> rows(const std::vector<Part>& parts, std::vector<float> Tokens::*member, int64_t width) const {
    std::vector<float> result;
    for (const Part& part : parts) {
      const std::vector<float>& source = sequences_[part.sequence].*member;
      result.insert(result.end(), source.begin() + part.begin * width, source.begin() + part.end * width);
    }
    return result;
  }

  void append(const std::vector<Part>& parts, msc_batch* batch, const msc_tensor& q, const msc_tensor& rotated) {
    const std::vector<float> kv = rows(parts, &Tokens::kv, shape_.k_width());
    append_values(batch, kv, q, rotated);
  }

  void append_values(msc_batch* batch, const std::vector<float>& kv, const msc_tensor& q, const msc_tensor& rotated) {
    const int64_t tokens = static_cast<int64_t>(kv.size()) / shape_.k_width();
    std::vector<float> frequencies;
    for (int64_t i = 0; i < shape_.rotated / 2; ++i) {
      frequencies.push_back(
          static_cast<float>(std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(shape_.rotated))));
    }
    msc_rope_table_params table = {};
    table.struct_size = sizeof table;
    table.factor = 1;
    table.inv_freq = session_.input(unique("freq"), 1, shape_.rotated / 2, frequencies);
    table.table = session_.output(unique("table"), tokens, shape_.rotated);
    session_.run([&] { return msc_op_rope_table(session_.stream(), batch, &table); });
    msc_latent_append_params params = {};
    params.struct_size = sizeof params;
    params.pairing = shape_.pairing;
    params.layer = kLayer;
    params.num_q_heads = shape_.heads;
    params.q = q;
    params.rotated = rotated;
    params.kv = session_.input(unique("kv"), tokens, shape_.k_width(), kv, {.row_padding = 3, .shift = 1});
    params.norm_weight = session_.input(unique("norm"), 1, shape_.latent, norm_);
    params.rope_table = table.table;
    params.norm_eps = kEps;
    session_.run([&] { return msc_op_latent_append(session_.stream(), batch, cache_, &params); });
  }

  void poison() {
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
    const GuardedTensor& q = session_.inout(unique("nan_q"), tokens, shape_.heads * shape_.q_width(), nans(shape_.heads * shape_.q_width()));
    append_values(batch, nans(shape_.k_width()), q, q);
  }

  std::string unique(const char* name) { return text(name, next_name_++); }

  Session& session_;
  LatentShape shape_;
  std::vector<Tokens> sequences_;
  std::vector<float> key_values_, value_values_, norm_;
  msc_weight* absorb_ = nullptr;
  msc_weight* key_ = nullptr;
  msc_weight* value_ = nullptr;
  msc_kv_cache* cache_ = nullptr;
  int64_t num_pages_ = 0;
  int next_name_ = 0;
};

}  // namespace optest
