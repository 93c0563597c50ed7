#include "cpu/rope/rope.h"

#include <cmath>

#include "core/section.h"
#include "cpu/norm/norm.h"

namespace msc::cpu {
namespace {

// Below these many angles or elements a call runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineAngles = 512;
constexpr int64_t kInlineElements = 16 * 1024;

}  // namespace

const RopeKernels& rope_kernels(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return rope_kernels_avx512();
  }
  if (isa == MSC_ISA_AVX2) {
    return rope_kernels_avx2();
  }
#endif
  static_cast<void>(isa);
  return rope_kernels_portable();
}

void rope_table(msc_stream& stream, const msc_batch& batch, Matrix<const float> inv_freq, float factor,
                Matrix<float> table) {
  const int64_t half = inv_freq.cols;
  for_each_range(stream, batch.num_tokens, batch.num_tokens * half < kInlineAngles, [=, &batch](unsigned, Range tokens) {
    for (int64_t t = tokens.begin; t < tokens.end; ++t) {
      const auto position = static_cast<float>(batch.positions[static_cast<size_t>(t)]);
      float* row = table.row(t);
      for (int64_t i = 0; i < half; ++i) {
        const float angle = position * inv_freq.data[i];
        row[i] = factor * std::cos(angle);
        row[half + i] = factor * std::sin(angle);
      }
    }
  });
}

void rope_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache, const RopeAppendTask& task) {
  const KvLayout& layout = cache.layout;
  const RopeKernels& kernels = rope_kernels(stream.device->isa);
  const unsigned num_threads = stream.device->pool.num_threads();
  const RmsNormRow norm = rms_norm_row(stream.device->isa);
  // A thread's scratch: one rotated head, and before it the whole key where that is normed as one.
  const int64_t whole = task.k_norm_is_whole ? (task.k.cols + 15) / 16 * 16 : 0;
  const int64_t key_stride = whole + (layout.k_width + 15) / 16 * 16;
  auto* keys = reinterpret_cast<float*>(stream.scratch(static_cast<size_t>(key_stride) * sizeof(float) * num_threads));
  const int64_t elements = batch.num_tokens * (task.q.cols + task.k.cols + task.v.cols);
  for_each_range(stream, batch.num_tokens, elements < kInlineElements, [=, &batch, &cache, &layout, &kernels](unsigned thread, Range tokens) {
    float* const normed_key = keys + key_stride * thread;
    float* const key = normed_key + whole;
    const float* const q_head_norm = task.q_norm_is_whole ? nullptr : task.q_norm;
    const float* const k_head_norm = task.k_norm_is_whole ? nullptr : task.k_norm;
    size_t sequence = 0;
    for (int64_t t = tokens.begin; t < tokens.end; ++t) {
      while (batch.query_offsets[sequence + 1] <= t) {
        ++sequence;
      }
      const float* table = task.table ? task.table.row(t) : nullptr;
      const int64_t d = task.table.cols;
      if (task.q_norm_is_whole) {
        norm(task.q.row(t), task.q_norm, task.q.cols, task.norm_eps, task.q.row(t));
      }
      for (int64_t h = 0; h < task.num_q_heads; ++h) {
        float* q = task.q.row(t) + h * layout.k_width;
        kernels.head(q, layout.k_width, q_head_norm, task.norm_eps, table, d, task.pairing, q);
      }
      const float* k = task.k.row(t);
      if (task.k_norm_is_whole) {
        norm(k, task.k_norm, task.k.cols, task.norm_eps, normed_key);
        k = normed_key;
      }
      const int64_t position = batch.positions[static_cast<size_t>(t)];
      const int32_t page = batch.pages(layout.group, static_cast<int64_t>(sequence))[position / layout.page_tokens];
      std::byte* block = cache.memory.data() + layout.block_offset(page, task.layer, 0);
      for (int64_t h = 0; h < layout.num_kv_heads; ++h, block += layout.head_bytes) {
        kernels.head(k + h * layout.k_width, layout.k_width, k_head_norm, task.norm_eps, table, d, task.pairing, key);
        kernels.append(layout, block, position % layout.page_tokens, key, task.v.row(t) + h * layout.v_width);
      }
    }
  });
}

}  // namespace msc::cpu
