#include "cpu/sampling/sampling.h"

#include <atomic>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "cpu/sampling/select.h"

namespace msc::cpu {
namespace {

// A call of fewer logits runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineLogits = 32 * 1024;

size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }

float log_probability(const LogitStats& stats, float logit) {
  const double clean = std::isnan(logit) ? -std::numeric_limits<double>::infinity()
                                         : std::fmin(static_cast<double>(logit), static_cast<double>(
                                                                                      std::numeric_limits<float>::max()));
  return static_cast<float>(clean - static_cast<double>(stats.greatest) - std::log(stats.sum));
}

void report_top(const SamplingKernels& kernels, const SampleTask& task, int64_t r, const LogitStats& stats,
                const SampleScratch& scratch) {
  const float* logits = task.logits.row(r);
  int32_t* ids = task.top_ids.row(r);
  float* logprobs = task.top_logprobs.row(r);
  const int64_t found = select_top(kernels, logits, task.vocab_size, task.num_top_logprobs, scratch.candidates);
  for (int64_t i = 0; i < found; ++i) {
    ids[i] = scratch.candidates[i].id;
    logprobs[i] = log_probability(stats, scratch.candidates[i].logit);
  }
  // Tokens of probability 0 follow by id.
  for (int64_t i = found, id = 0; i < task.num_top_logprobs; ++id) {
    if (!(logits[id] > -std::numeric_limits<float>::infinity())) {
      ids[i] = static_cast<int32_t>(id);
      logprobs[i++] = -std::numeric_limits<float>::infinity();
    }
  }
}

/// False if the row has no token to draw.
bool sample_row(const SamplingKernels& kernels, const SampleTask& task, int64_t r, const SampleScratch& scratch) {
  const float* logits = task.logits.row(r);
  const int32_t id = draw_row(kernels, logits, task.vocab_size, task.rows[r], scratch);
  *task.ids.row(r) = id;
  if (id < 0) {
    return false;
  }
  if (task.logprobs || task.top_ids) {
    const LogitStats stats = kernels.stats(logits, task.vocab_size);
    if (task.logprobs) {
      *task.logprobs.row(r) = log_probability(stats, logits[id]);
    }
    if (task.top_ids) {
      report_top(kernels, task, r, stats, scratch);
    }
  }
  return true;
}

/// Calls f(thread, row) for all rows.
template <class F>
void for_each_row(msc_stream& stream, int64_t rows, int64_t vocab_size, F&& f) {
  ThreadPool& pool = stream.device->pool;
  if (rows == 1 || pool.num_threads() == 1 || rows * vocab_size < kInlineLogits) {
    for (int64_t r = 0; r < rows; ++r) {
      f(0u, r);
    }
    return;
  }
  std::atomic<int64_t> next{0};
  pool.run([&](unsigned thread) {
    for (int64_t r; (r = next.fetch_add(1, std::memory_order_relaxed)) < rows;) {
      f(thread, r);
    }
  });
}

void keep_lowest(std::atomic<int64_t>& lowest, int64_t row) {
  int64_t seen = lowest.load(std::memory_order_relaxed);
  while (row < seen && !lowest.compare_exchange_weak(seen, row, std::memory_order_relaxed)) {
  }
}

}  // namespace

const SamplingKernels& sampling_kernels(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return sampling_kernels_avx512();
  }
  if (isa == MSC_ISA_AVX2) {
    return sampling_kernels_avx2();
  }
#endif
  static_cast<void>(isa);
  return sampling_kernels_portable();
}

size_t SampleScratch::bytes(int64_t vocab_size) {
  const auto count = static_cast<size_t>(vocab_size);
  return aligned(count * sizeof(float)) + aligned(count * sizeof(uint64_t)) +
         aligned((count + static_cast<size_t>(kCollectStep)) * sizeof(Candidate));
}

SampleScratch::SampleScratch(std::byte* base, int64_t vocab_size) {
  const auto count = static_cast<size_t>(vocab_size);
  logits = reinterpret_cast<float*>(base);
  weights = reinterpret_cast<uint64_t*>(base + aligned(count * sizeof(float)));
  candidates = reinterpret_cast<Candidate*>(base + aligned(count * sizeof(float)) + aligned(count * sizeof(uint64_t)));
}

void sample(msc_stream& stream, const SampleTask& task) {
  const SamplingKernels& kernels = sampling_kernels(stream.device->isa);
  const size_t thread_bytes = SampleScratch::bytes(task.vocab_size);
  std::byte* scratch = stream.scratch(thread_bytes * stream.device->pool.num_threads());
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> first_failed{kNone};
  for_each_row(stream, task.logits.rows, task.vocab_size, [&](unsigned thread, int64_t r) {
    if (!sample_row(kernels, task, r, SampleScratch(scratch + thread_bytes * thread, task.vocab_size))) {
      keep_lowest(first_failed, r);
    }
  });
  if (const int64_t row = first_failed.load(); row != kNone) {
    throw_error(MSC_STATUS_REQUEST_FAILED,
                "row %lld: mask, biases or logits that are not finite leave no token to draw (its id is -1, other rows are "
                "drawn)",
                static_cast<long long>(row));
  }
}

void token_logprobs(msc_stream& stream, Matrix<const float> logits, int64_t vocab_size, Matrix<const int32_t> targets,
                    Matrix<float> logprobs) {
  const SamplingKernels& kernels = sampling_kernels(stream.device->isa);
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> first_failed{kNone};
  for_each_row(stream, logits.rows, vocab_size, [&](unsigned, int64_t r) {
    const LogitStats stats = kernels.stats(logits.row(r), vocab_size);
    if (stats.id < 0) {
      keep_lowest(first_failed, r);
    }
    *logprobs.row(r) = log_probability(stats, logits.row(r)[*targets.row(r)]);
  });
  if (const int64_t row = first_failed.load(); row != kNone) {
    throw_error(MSC_STATUS_REQUEST_FAILED, "row %lld: no logit is above -infinity (other rows are computed)",
                static_cast<long long>(row));
  }
}

}  // namespace msc::cpu
