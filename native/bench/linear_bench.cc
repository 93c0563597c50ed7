// The linear op on shapes of real models. Counters: bytes of weights and multiply-add operations (two each) per second;
// compare them with the limits that `moesaic bench` measures.
// Decode and small batches go round a set of equal weights larger than the last-level cache, so that each call streams
// its weight from memory, as a decode step does.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "moesaic/ops.h"
#include "setup.h"

namespace {

using bench::check;

struct Format {
  int32_t format;
  const char* name;
};
constexpr Format kFormats[] = {{MSC_FORMAT_F32, "f32"},   {MSC_FORMAT_F16, "f16"},   {MSC_FORMAT_BF16, "bf16"},
                               {MSC_FORMAT_Q8_0, "q8_0"}, {MSC_FORMAT_Q4_0, "q4_0"}, {MSC_FORMAT_Q4_1, "q4_1"},
                               {MSC_FORMAT_Q4_K, "q4_k"}, {MSC_FORMAT_Q6_K, "q6_k"}, {MSC_FORMAT_Q5_0, "q5_0"},
                               {MSC_FORMAT_Q5_1, "q5_1"}, {MSC_FORMAT_Q5_K, "q5_k"},
                               {MSC_FORMAT_MXFP4, "mxfp4"}, {MSC_FORMAT_NVFP4, "nvfp4"},
                               {MSC_FORMAT_IQ4_NL, "iq4_nl"}, {MSC_FORMAT_IQ4_XS, "iq4_xs"}};

struct Shape {
  const char* name;
  int64_t outputs, cols;
};
constexpr Shape kShapes[] = {{"smollm2_up", 1536, 576},
                             {"smollm2_down", 576, 1536},
                             {"smollm2_qkv_part", 192, 576},
                             {"smollm2_head", 49152, 576},
                             {"ling_mini", 5120, 2048},
                             {"ling_mini_expert_up", 512, 2048},
                             {"llama_8b", 14336, 4096}};

constexpr uint64_t kStreamedBytes = uint64_t{160} << 20;

/// A device with enough weights of one shape, an input and an output.
class Fixture {
 public:
  Fixture(int32_t format, const Shape& shape, int64_t rows, uint32_t threads) : rows_(rows) {
    msc_device_options options = {};
    options.struct_size = sizeof options;
    options.backend = MSC_BACKEND_CPU;
    options.num_threads = threads;
    options.spin_microseconds = UINT32_MAX;
    check(msc_device_create(&options, &device_));
    check(msc_stream_create(device_, &stream_));
    uint64_t block_elements = 0, block_bytes = 0;
    check(msc_format_block(format, &block_elements, &block_bytes));
    const uint64_t row_bytes = static_cast<uint64_t>(shape.cols) / block_elements * block_bytes;
    bytes_ = row_bytes * static_cast<uint64_t>(shape.outputs);
    const uint64_t copies = rows > 16 ? 1 : kStreamedBytes / bytes_ + 1;
    std::vector<std::byte> source(bytes_);
    uint32_t state = 1;
    for (std::byte& byte : source) {
      state = state * 1664525 + 1013904223;
      byte = static_cast<std::byte>((state >> 24 & 0x3b) | 0x20);  // finite, normal floats of any width
    }
    for (uint64_t i = 0; i < copies; ++i) {
      weights_.push_back(make_weight(format, shape, source, row_bytes));
    }
    params_.struct_size = sizeof params_;
    params_.precision = MSC_PRECISION_FAST;
    params_.num_targets = 1;
    params_.input = make_tensor(rows, shape.cols);
    params_.targets[0].out = make_tensor(rows, shape.outputs);
  }

  ~Fixture() {
    for (msc_weight* weight : weights_) {
      msc_weight_destroy(weight);
    }
    msc_buffer_destroy(params_.input.buffer);
    msc_buffer_destroy(params_.targets[0].out.buffer);
    msc_stream_destroy(stream_);
    msc_device_destroy(device_);
  }

  void run() {
    next_ = next_ + 1 < weights_.size() ? next_ + 1 : 0;
    params_.targets[0].weight = weights_[next_];
    check(msc_op_linear(stream_, &params_));
  }

  double bytes() const { return static_cast<double>(bytes_); }

 private:
  msc_weight* make_weight(int32_t format, const Shape& shape, const std::vector<std::byte>& source,
                          uint64_t row_bytes) {
    msc_weight_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.format = format;
    desc.num_experts = 1;
    desc.rows = shape.outputs;
    desc.cols = shape.cols;
    desc.scale_format = -1;
    desc.zero_point_format = -1;
    msc_weight* weight = nullptr;
    check(msc_weight_create(device_, &desc, &weight));
    msc_weight_slice slice = {};
    slice.struct_size = sizeof slice;
    slice.num_rows = shape.outputs;
    slice.source = source.data();
    slice.source_row_bytes = row_bytes;
    check(msc_weight_load(weight, &slice));
    check(msc_weight_seal(weight));
    return weight;
  }

  msc_tensor make_tensor(int64_t rows, int64_t cols) {
    msc_buffer* buffer = nullptr;
    check(msc_buffer_create(device_, static_cast<uint64_t>(rows * cols) * sizeof(float), &buffer));
    void* data = nullptr;
    check(msc_buffer_host_pointer(buffer, &data));
    for (int64_t i = 0; i < rows * cols; ++i) {
      static_cast<float*>(data)[i] = static_cast<float>(i % 251) * 0.01f - 1.25f;
    }
    return {buffer, 0, rows, cols, cols, MSC_FORMAT_F32, 0};
  }

  int64_t rows_;
  msc_device* device_ = nullptr;
  msc_stream* stream_ = nullptr;
  std::vector<msc_weight*> weights_;
  size_t next_ = 0;
  uint64_t bytes_ = 0;
  msc_linear_params params_ = {};
};

void linear(benchmark::State& state, int32_t format, const Shape& shape, int64_t rows) {
  Fixture fixture(format, shape, rows, static_cast<uint32_t>(state.range(0)));
  for (auto _ : state) {
    fixture.run();
  }
  using benchmark::Counter;
  const auto operations = 2.0 * static_cast<double>(rows * shape.outputs * shape.cols);
  state.counters["weight_bytes"] = Counter(fixture.bytes(), Counter::kIsIterationInvariantRate, Counter::kIs1000);
  state.counters["operations"] = Counter(operations, Counter::kIsIterationInvariantRate, Counter::kIs1000);
}

const bool registered = [] {
  for (const Format& format : kFormats) {
    for (const Shape& shape : kShapes) {
      uint64_t block = 0, bytes = 0;
      msc_format_block(format.format, &block, &bytes);
      if (static_cast<uint64_t>(shape.cols) % block != 0) {
        continue;
      }
      for (const int64_t rows : {1, 4, 512}) {
        if (shape.outputs > 10000 && rows > 16) {
          continue;
        }
        const std::string name = std::string("linear/") + format.name + "/" + shape.name + "/" +
                                 std::to_string(rows) + "x" + std::to_string(shape.outputs) + "x" +
                                 std::to_string(shape.cols);
        benchmark::RegisterBenchmark(name.c_str(),
                                     [=](benchmark::State& state) { linear(state, format.format, shape, rows); })
            ->ArgName("threads")
            ->Arg(1)
            ->Arg(2)
            ->UseRealTime();
      }
    }
  }
  return true;
}();

}  // namespace
