// Attention over a paged cache, prefill and decode. Counters: share of the float32 multiply-add operations per second
// and bytes of keys and values per second; compare with the limits that `moesaic bench` measures.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "moesaic/attention.h"
#include "setup.h"

namespace {

using bench::check;

struct Heads {
  int64_t q, kv, width;
};
constexpr Heads kSmolLM2 = {9, 3, 64};
constexpr Heads kLingMini = {16, 4, 128};

constexpr int64_t kPageTokens = 64;

/// One sequence whose positions [0, length) are cached, on a device of its own.
class Fixture {
 public:
  Fixture(const Heads& heads, int32_t format, int64_t length, int64_t queries, int32_t isa, uint32_t threads)
      : heads_(heads), queries_(queries) {
    msc_device_options options = {};
    options.struct_size = sizeof options;
    options.backend = MSC_BACKEND_CPU;
    options.isa = isa;
    options.num_threads = threads;
    options.spin_microseconds = UINT32_MAX;
    check(msc_device_create(&options, &device_));
    check(msc_stream_create(device_, &stream_));
    const int64_t pages = (length + kPageTokens - 1) / kPageTokens;
    msc_kv_cache_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.format = format;
    desc.num_layers = 1;
    desc.num_kv_heads = heads.kv;
    desc.k_width = heads.width;
    desc.v_width = heads.width;
    desc.page_tokens = kPageTokens;
    desc.num_pages = pages;
    check(msc_kv_cache_create(device_, &desc, &cache_));
    for (int32_t page = 0; page < pages; ++page) {
      pages_.push_back(page);
    }
    msc_batch_limits limits = {};
    limits.struct_size = sizeof limits;
    limits.num_kv_groups = 1;
    limits.max_tokens = length;
    limits.max_sequences = 1;
    limits.max_pages = pages;
    check(msc_batch_create(device_, &limits, &batch_));
    q_ = make_buffer(length * heads.q * heads.width);
    k_ = make_buffer(length * heads.kv * heads.width);
    out_ = make_buffer(queries * heads.q * heads.width);
    bench::set_positions(batch_, stream_, pages_, 0, length);
    append(length);
    bench::set_positions(batch_, stream_, pages_, length - queries, length);
  }

  ~Fixture() {
    msc_batch_destroy(batch_);
    msc_kv_cache_destroy(cache_);
    for (msc_buffer* buffer : {q_, k_, out_}) {
      msc_buffer_destroy(buffer);
    }
    msc_stream_destroy(stream_);
    msc_device_destroy(device_);
  }

  void attend() {
    msc_attention_params params = {};
    params.struct_size = sizeof params;
    params.precision = MSC_PRECISION_FAST;
    params.num_q_heads = heads_.q;
    params.q = tensor(q_, queries_, heads_.q);
    params.out = tensor(out_, queries_, heads_.q);
    params.scale = 1.0f / std::sqrt(static_cast<float>(heads_.width));
    params.causal = 1;
    check(msc_op_attention(stream_, batch_, cache_, &params));
  }

 private:
  msc_buffer* make_buffer(int64_t floats) {
    msc_buffer* buffer = nullptr;
    check(msc_buffer_create(device_, static_cast<uint64_t>(floats) * sizeof(float), &buffer));
    void* data = nullptr;
    check(msc_buffer_host_pointer(buffer, &data));
    uint32_t state = 1;
    for (int64_t i = 0; i < floats; ++i) {
      state = state * 1664525 + 1013904223;
      static_cast<float*>(data)[i] = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
    }
    return buffer;
  }

  msc_tensor tensor(msc_buffer* buffer, int64_t rows, int64_t heads) const {
    return {buffer, 0, rows, heads * heads_.width, heads * heads_.width, MSC_FORMAT_F32, 0};
  }

  void append(int64_t length) {
    msc_rope_append_params params = {};
    params.struct_size = sizeof params;
    params.num_q_heads = heads_.q;
    params.q = tensor(q_, length, heads_.q);
    params.k = tensor(k_, length, heads_.kv);
    params.v = tensor(k_, length, heads_.kv);
    check(msc_op_rope_append(stream_, batch_, cache_, &params));
  }

  Heads heads_;
  int64_t queries_;
  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
  msc_kv_cache* cache_ = nullptr;
  msc_batch* batch_ = nullptr;
  msc_buffer* q_ = nullptr;
  msc_buffer* k_ = nullptr;
  msc_buffer* out_ = nullptr;
  std::vector<int32_t> pages_;
};

double element_bytes(int32_t format) { return format == MSC_FORMAT_F32 ? 4 : format == MSC_FORMAT_BF16 ? 2 : 1; }

void run(benchmark::State& state, const Heads& heads, int32_t format, int64_t length, int64_t queries, int32_t isa) {
  Fixture fixture(heads, format, length, queries, isa, static_cast<uint32_t>(state.range(0)));
  double visible = 0;
  for (int64_t p = length - queries; p < length; ++p) {
    visible += static_cast<double>(p + 1);
  }
  const auto runs = benchmark::Counter::kIsIterationInvariantRate;
  for (auto _ : state) {
    fixture.attend();
  }
  state.counters["FLOP/s"] = benchmark::Counter(4.0 * visible * static_cast<double>(heads.q * heads.width), runs);
  state.counters["KV B/s"] = benchmark::Counter(
      2.0 * static_cast<double>(length * heads.kv * heads.width) * element_bytes(format), runs);
}

void prefill(benchmark::State& state, const Heads& heads, int32_t format, int32_t isa) {
  run(state, heads, format, 512, 512, isa);
}
/// A cache of 4 times the last-level cache, so that it comes from memory.
void decode_long(benchmark::State& state, const Heads& heads, int32_t format, int32_t isa) {
  const double bytes = 128e6;
  const auto length = static_cast<int64_t>(bytes / (2.0 * static_cast<double>(heads.kv * heads.width) * element_bytes(format)));
  run(state, heads, format, length, 1, isa);
}
void decode_short(benchmark::State& state, const Heads& heads, int32_t format, int32_t isa) {
  run(state, heads, format, 100, 1, isa);
}

}  // namespace

#define MOESAIC_ATTENTION_BENCH(op, heads)                                                                   \
  BENCHMARK_CAPTURE(op, heads##_f32, heads, MSC_FORMAT_F32, MSC_ISA_AUTO)->Arg(1)->Arg(2)->UseRealTime();    \
  BENCHMARK_CAPTURE(op, heads##_bf16, heads, MSC_FORMAT_BF16, MSC_ISA_AUTO)->Arg(1)->Arg(2)->UseRealTime();  \
  BENCHMARK_CAPTURE(op, heads##_i8, heads, MSC_FORMAT_I8, MSC_ISA_AUTO)->Arg(1)->Arg(2)->UseRealTime();      \
  BENCHMARK_CAPTURE(op, heads##_f32_portable, heads, MSC_FORMAT_F32, MSC_ISA_PORTABLE)->Arg(2)->UseRealTime()

MOESAIC_ATTENTION_BENCH(prefill, kSmolLM2);
MOESAIC_ATTENTION_BENCH(prefill, kLingMini);
MOESAIC_ATTENTION_BENCH(decode_long, kSmolLM2);
MOESAIC_ATTENTION_BENCH(decode_long, kLingMini);
MOESAIC_ATTENTION_BENCH(decode_short, kSmolLM2);
MOESAIC_ATTENTION_BENCH(decode_short, kLingMini);
