// Latent attention: the absorbed form (queries into the latent space, attention over the latents, values out of it) and the
// expanded form, prefill and decode. Counters: multiply-adds (x 2) a second that the form takes, and bytes of cached latents a
// second; compare with the limits that `moesaic bench` measures.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "moesaic/latent.h"
#include "setup.h"

namespace {

using bench::check;

// Widths of DeepSeek-V2 and V3, of the Lite model and of Kimi-K2; they differ in heads.
constexpr int64_t kLatent = 512;
constexpr int64_t kRotated = 64;
constexpr int64_t kPlain = 128;
constexpr int64_t kValue = 128;
constexpr int64_t kCached = kLatent + kRotated;
constexpr int64_t kPageTokens = 64;

/// One sequence whose positions [0, length) are cached in bf16, and head maps in bf16, on a device of its own.
class Fixture {
 public:
  Fixture(int64_t heads, int64_t length, int64_t queries, int32_t isa, uint32_t threads) : heads_(heads), queries_(queries) {
    msc_device_options options = {};
    options.struct_size = sizeof options;
    options.backend = MSC_BACKEND_CPU;
    options.isa = isa;
    options.num_threads = threads;
    options.spin_microseconds = UINT32_MAX;
    check(msc_device_create(&options, &device_));
    check(msc_stream_create(device_, &stream_));
    msc_kv_cache_desc cache = {};
    cache.struct_size = sizeof cache;
    cache.format = MSC_FORMAT_BF16;
    cache.num_layers = cache.num_kv_heads = 1;
    cache.k_width = kCached;
    cache.latent_width = kLatent;
    cache.page_tokens = kPageTokens;
    cache.num_pages = (length + kPageTokens - 1) / kPageTokens;
    check(msc_kv_cache_create(device_, &cache, &cache_));
    for (int32_t page = 0; page < cache.num_pages; ++page) {
      pages_.push_back(page);
    }
    const int64_t step = std::max<int64_t>(queries, 512);
    msc_batch_limits limits = {};
    limits.struct_size = sizeof limits;
    limits.num_kv_groups = 1;
    limits.max_tokens = step;
    limits.max_sequences = 1;
    limits.max_pages = cache.num_pages;
    check(msc_batch_create(device_, &limits, &batch_));
    q_ = make_buffer(step * heads * (kPlain + kRotated));
    absorbed_ = make_buffer(queries * heads * kCached);
    latents_ = make_buffer(queries * heads * kLatent);
    out_ = make_buffer(queries * heads * kValue);
    kv_ = make_buffer(step * kCached);
    table_ = make_buffer(step * kRotated);
    norm_ = make_buffer(kLatent);
    absorbed_key_ = make_weight(kLatent, kPlain);
    key_ = make_weight(kPlain, kLatent);
    value_ = make_weight(kValue, kLatent);
    for (int64_t begin = 0; begin < length; begin += step) {
      const int64_t end = std::min(begin + step, length);
      bench::set_positions(batch_, stream_, pages_, begin, end);
      append(end - begin);
    }
    bench::set_positions(batch_, stream_, pages_, length - queries, length);
  }

  ~Fixture() {
    msc_batch_destroy(batch_);
    msc_kv_cache_destroy(cache_);
    for (msc_weight* weight : {absorbed_key_, key_, value_}) {
      msc_weight_destroy(weight);
    }
    for (msc_buffer* buffer : {q_, absorbed_, latents_, out_, kv_, table_, norm_}) {
      msc_buffer_destroy(buffer);
    }
    msc_stream_destroy(stream_);
    msc_device_destroy(device_);
  }

  void attend() {
    msc_attention_params params = {};
    params.struct_size = sizeof params;
    params.precision = MSC_PRECISION_FAST;
    params.num_q_heads = heads_;
    params.q = tensor(absorbed_, queries_, heads_ * kCached);
    params.out = tensor(latents_, queries_, heads_ * kLatent);
    params.scale = scale();
    params.causal = 1;
    check(msc_op_attention(stream_, batch_, cache_, &params));
  }

  void map_heads(msc_weight* weight, const msc_tensor& input, const msc_tensor& out) {
    msc_head_linear_params params = {};
    params.struct_size = sizeof params;
    params.precision = MSC_PRECISION_FAST;
    params.weight = weight;
    params.input = input;
    params.out = out;
    check(msc_op_head_linear(stream_, &params));
  }

  void absorb() {
    map_heads(absorbed_key_, tensor(q_, queries_, heads_ * (kPlain + kRotated)), tensor(absorbed_, queries_, heads_ * kCached));
  }

  void absorbed() {
    absorb();
    attend();
    map_heads(value_, tensor(latents_, queries_, heads_ * kLatent), tensor(out_, queries_, heads_ * kValue));
  }

  void expanded() {
    msc_latent_expanded_params params = {};
    params.struct_size = sizeof params;
    params.precision = MSC_PRECISION_FAST;
    params.num_q_heads = heads_;
    params.q = tensor(q_, queries_, heads_ * (kPlain + kRotated));
    params.key = key_;
    params.value = value_;
    params.out = tensor(out_, queries_, heads_ * kValue);
    params.scale = scale();
    check(msc_op_latent_expanded(stream_, batch_, cache_, &params));
  }

 private:
  static float scale() { return 1.0f / std::sqrt(static_cast<float>(kPlain + kRotated)); }

  static void fill(float* data, int64_t count) {
    uint32_t state = 1;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 1664525 + 1013904223;
      data[i] = static_cast<float>(state >> 8) * 0x1p-25f - 0.25f;
    }
  }

  msc_buffer* make_buffer(int64_t floats) {
    msc_buffer* buffer = nullptr;
    check(msc_buffer_create(device_, static_cast<uint64_t>(floats) * sizeof(float), &buffer));
    void* data = nullptr;
    check(msc_buffer_host_pointer(buffer, &data));
    fill(static_cast<float*>(data), floats);
    return buffer;
  }

  msc_weight* make_weight(int64_t rows, int64_t cols) {
    msc_weight_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.format = MSC_FORMAT_BF16;
    desc.num_experts = heads_;
    desc.rows = rows;
    desc.cols = cols;
    desc.scale_format = desc.zero_point_format = -1;
    msc_weight* weight = nullptr;
    check(msc_weight_create(device_, &desc, &weight));
    std::vector<uint16_t> values(static_cast<size_t>(rows * cols));
    for (size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<uint16_t>(0x3D00 + i * 7 % 127 + (i % 2) * 0x8000);
    }
    for (int64_t head = 0; head < heads_; ++head) {
      msc_weight_slice slice = {};
      slice.struct_size = sizeof slice;
      slice.expert = head;
      slice.num_rows = rows;
      slice.source = values.data();
      slice.source_row_bytes = static_cast<uint64_t>(cols) * sizeof(uint16_t);
      check(msc_weight_load(weight, &slice));
    }
    check(msc_weight_seal(weight));
    return weight;
  }

  static msc_tensor tensor(msc_buffer* buffer, int64_t rows, int64_t cols) {
    return {buffer, 0, rows, cols, cols, MSC_FORMAT_F32, 0};
  }

  void append(int64_t tokens) {
    msc_latent_append_params params = {};
    params.struct_size = sizeof params;
    params.pairing = MSC_ROPE_PAIRING_INTERLEAVED;
    params.num_q_heads = heads_;
    params.q = params.rotated = tensor(q_, tokens, heads_ * (kPlain + kRotated));
    params.kv = tensor(kv_, tokens, kCached);
    params.norm_weight = tensor(norm_, 1, kLatent);
    params.rope_table = tensor(table_, tokens, kRotated);
    params.norm_eps = 1e-6f;
    check(msc_op_latent_append(stream_, batch_, cache_, &params));
  }

  int64_t heads_;
  int64_t queries_;
  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
  msc_kv_cache* cache_ = nullptr;
  msc_batch* batch_ = nullptr;
  msc_buffer* q_ = nullptr;
  msc_buffer* absorbed_ = nullptr;
  msc_buffer* latents_ = nullptr;
  msc_buffer* out_ = nullptr;
  msc_buffer* kv_ = nullptr;
  msc_buffer* table_ = nullptr;
  msc_buffer* norm_ = nullptr;
  msc_weight* absorbed_key_ = nullptr;
  msc_weight* key_ = nullptr;
  msc_weight* value_ = nullptr;
  std::vector<int32_t> pages_;
};

enum class Part { kAttention, kAbsorb, kAbsorbed, kExpanded };

void run(benchmark::State& state, Part part, int64_t heads, int64_t length, int64_t queries, int32_t isa) {
  Fixture fixture(heads, length, queries, isa, static_cast<uint32_t>(state.range(0)));
  double visible = 0;
  for (int64_t p = length - queries; p < length; ++p) {
    visible += static_cast<double>(p + 1);
  }
  const auto h = static_cast<double>(heads);
  const double absorb = static_cast<double>(queries) * h * kPlain * kLatent;
  const double attention = visible * h * (kCached + kLatent);
  double adds = 0;
  switch (part) {
    case Part::kAttention:
      adds = attention;
      break;
    case Part::kAbsorb:
      adds = absorb;
      break;
    case Part::kAbsorbed:
      adds = attention + absorb + static_cast<double>(queries) * h * kValue * kLatent;
      break;
    case Part::kExpanded:
      adds = visible * h * (kPlain + kRotated + kValue) + static_cast<double>(length) * h * (kPlain + kValue) * kLatent;
      break;
  }
  for (auto _ : state) {
    switch (part) {
      case Part::kAttention:
        fixture.attend();
        break;
      case Part::kAbsorb:
        fixture.absorb();
        break;
      case Part::kAbsorbed:
        fixture.absorbed();
        break;
      case Part::kExpanded:
        fixture.expanded();
        break;
    }
  }
  const auto runs = benchmark::Counter::kIsIterationInvariantRate;
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * adds, runs);
  state.counters["KV B/s"] = benchmark::Counter(2.0 * static_cast<double>(length * kCached), runs);
  state.counters["map B/s"] = benchmark::Counter(part == Part::kAbsorb ? 2.0 * h * kPlain * kLatent : 0.0, runs);
}

void latent(benchmark::State& state, Part part, int64_t heads, int64_t length, int64_t queries, int32_t isa) {
  run(state, part, heads, length, queries, isa);
}

}  // namespace

#define MOESAIC_LATENT_BENCH(name, part, heads, length, queries) \
  BENCHMARK_CAPTURE(latent, name##_h##heads##_ctx##length##_q##queries, part, heads, length, queries, MSC_ISA_AUTO) \
      ->Arg(1)                                                                                                      \
      ->Arg(2)                                                                                                      \
      ->UseRealTime()

// A cache of 4 times the last-level cache, so that it comes from memory; then contexts that people have.
MOESAIC_LATENT_BENCH(attention, Part::kAttention, 16, 110000, 1);
MOESAIC_LATENT_BENCH(attention, Part::kAttention, 128, 110000, 1);
MOESAIC_LATENT_BENCH(attention, Part::kAttention, 16, 4096, 1);
MOESAIC_LATENT_BENCH(attention, Part::kAttention, 128, 4096, 1);
MOESAIC_LATENT_BENCH(attention, Part::kAttention, 128, 200, 1);
MOESAIC_LATENT_BENCH(absorb, Part::kAbsorb, 128, 64, 1);
MOESAIC_LATENT_BENCH(absorb, Part::kAbsorb, 128, 512, 512);
MOESAIC_LATENT_BENCH(absorbed, Part::kAbsorbed, 16, 1024, 1);
MOESAIC_LATENT_BENCH(expanded, Part::kExpanded, 16, 1024, 1);
MOESAIC_LATENT_BENCH(absorbed, Part::kAbsorbed, 16, 512, 512);
MOESAIC_LATENT_BENCH(expanded, Part::kExpanded, 16, 512, 512);
MOESAIC_LATENT_BENCH(absorbed, Part::kAbsorbed, 16, 4096, 512);
MOESAIC_LATENT_BENCH(expanded, Part::kExpanded, 16, 4096, 512);
MOESAIC_LATENT_BENCH(absorbed, Part::kAbsorbed, 16, 4096, 128);
MOESAIC_LATENT_BENCH(expanded, Part::kExpanded, 16, 4096, 128);
