#include "tests/cuda/ops/sampling_rig.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <memory>

#include "cpu/sampling/sampling.h"
#include "tests/cuda/layer/array.h"

namespace cuda_ops {
namespace {

using cuda_on_cpu::Array;

bool is_allowed(const std::vector<uint32_t>& mask, size_t id) {
  return mask.empty() || (mask[id / 32] >> (id % 32) & 1u) != 0;
}

/// Device copies of the rows' lists.
class DeviceRows {
 public:
  explicit DeviceRows(const SampleBatch& batch) {
    for (const optest::RowSpec& spec : batch.rows) {
      msc::cuda::SampleRowLists lists = {};
      lists.counts = keep(counts_, "counts", spec.counts);
      lists.biases = keep(biases_, "biases", spec.biases);
      lists.mask = keep(masks_, "mask", spec.mask);
      host.push_back(make_sample_row(spec.row(), batch.vocab, lists));
    }
  }
  std::vector<msc::cuda::SampleRow> host;

 private:
  template <class T>
  static const T* keep(std::vector<std::unique_ptr<Array<T>>>& arrays, const char* name, const std::vector<T>& values) {
    if (values.empty()) {
      return nullptr;
    }
    arrays.push_back(std::make_unique<Array<T>>(name, values));
    return arrays.back()->data();
  }
  std::vector<std::unique_ptr<Array<msc_token_count>>> counts_;
  std::vector<std::unique_ptr<Array<msc_token_bias>>> biases_;
  std::vector<std::unique_ptr<Array<uint32_t>>> masks_;
};

}  // namespace

SampleBatch SampleBatch::only(int64_t first, int64_t count) const {
  SampleBatch result = *this;
  result.logits = std::vector<float>(logits.begin() + first * vocab, logits.begin() + (first + count) * vocab);
  result.rows = std::vector<optest::RowSpec>(rows.begin() + first, rows.begin() + first + count);
  return result;
}

std::vector<float> Sampled::bits() const {
  std::vector<float> result;
  for (const std::vector<int32_t>* values : {&ids, &top_ids}) {
    for (const int32_t id : *values) {
      result.push_back(std::bit_cast<float>(id + 0x40000000));  // no NaN
    }
  }
  result.insert(result.end(), logprobs.begin(), logprobs.end());
  result.insert(result.end(), top_logprobs.begin(), top_logprobs.end());
  return result;
}

Sampled run(const SampleBatch& batch) {
  const auto rows = static_cast<size_t>(batch.num_rows());
  const Tensor all("logits", batch.type, batch.num_rows(), batch.vocab, batch.logits, batch.padding, batch.shift);
  const Tensor some("logits", batch.type, batch.num_rows(), batch.vocab, batch.padding, batch.shift);
  if (batch.hide_forbidden) {
    const int64_t element = msc::cuda::bytes_of(batch.type);
    for (size_t r = 0; r < rows; ++r) {
      for (int64_t id = 0; id < batch.vocab; ++id) {
        if (is_allowed(batch.rows[r].mask, static_cast<size_t>(id))) {
          const int64_t at = (static_cast<int64_t>(r) * all.stride() + id) * element;
          std::memcpy(static_cast<uint8_t*>(some.data()) + at, static_cast<uint8_t*>(all.data()) + at, static_cast<size_t>(element));
          cuda_on_cpu::memory().set_initialised(static_cast<uint8_t*>(some.data()) + at, static_cast<size_t>(element));
        }
      }
    }
  }
  const DeviceRows device_rows(batch);
  const Array<msc::cuda::SampleRow> sample_rows("sample_rows", device_rows.host);
  const Array<int32_t> ids("ids", rows);
  const Array<float> logprobs("logprobs", rows);
  const auto num_top = static_cast<size_t>(std::max(1, batch.num_top));
  const Array<int32_t> top_ids("top_ids", rows * num_top);
  const Array<float> top_logprobs("top_logprobs", rows * num_top);
  msc::cuda::SampleParams params = {};
  params.type = batch.type;
  params.num_top_logprobs = batch.num_top;
  params.rows = batch.num_rows();
  params.vocab_size = batch.vocab;
  params.logits = batch.hide_forbidden ? some.data() : all.data();
  params.logits_stride = all.stride();
  params.sample_rows = sample_rows.data();
  params.ids = ids.data();
  params.logprobs = batch.wants_logprobs ? logprobs.data() : nullptr;
  params.top_ids = batch.num_top > 0 ? top_ids.data() : nullptr;
  params.top_logprobs = batch.num_top > 0 ? top_logprobs.data() : nullptr;
  msc::cuda::SamplePlan plan = plan_sample(params, device_rows.host.data());
  if (batch.all_launches) {
    plan.weigh = true;
    plan.collect = true;
  }
  const Array<uint8_t> scratch("scratch", plan.scratch_bytes);
  params.scratch = scratch.data();
  launch_sample(params, plan, nullptr);
  Sampled result;
  result.ids = ids.values();
  if (cuda_on_cpu::sees_every_write()) {
    EXPECT_EQ(rows * 4, cuda_on_cpu::memory().count_initialised(ids.data(), rows * 4)) << "an id was not written";
  }
  if (batch.wants_logprobs) {
    result.logprobs = logprobs.values();
  }
  if (batch.num_top > 0) {
    result.top_ids = top_ids.values();
    result.top_logprobs = top_logprobs.values();
  }
  return result;
}

Sampled run_checked(const SampleBatch& batch) {
  Sampled result;
  run_both_ways("sample_draw_kernel", [&] {
    result = run(batch);
    return result.bits();
  });
  return result;
}

std::vector<int32_t> drawn_by_cpu(const SampleBatch& batch) {
  std::vector<int32_t> ids;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    std::vector<std::byte> memory(msc::cpu::SampleScratch::bytes(batch.vocab));
    const msc::cpu::SampleScratch scratch(memory.data(), batch.vocab);
    for (int64_t r = 0; r < batch.num_rows(); ++r) {
      const std::vector<float> logits = batch.row(r);
      ids.push_back(msc::cpu::draw_row(msc::cpu::sampling_kernels_avx2(), logits.data(), batch.vocab,
                                       batch.rows[static_cast<size_t>(r)].row(), scratch));
    }
  }
#endif
  return ids;
}

std::vector<uint32_t> random_mask(optest::Rng& rng, int64_t vocab, double share) {
  std::vector<uint32_t> mask(static_cast<size_t>((vocab + 31) / 32), 0);
  for (int64_t id = 0; id < vocab; ++id) {
    if (rng.uniform() < share) {
      mask[static_cast<size_t>(id / 32)] |= 1u << (id % 32);
    }
  }
  return mask;
}

}  // namespace cuda_ops
