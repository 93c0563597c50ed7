#include "cpu/latent/latent_append.h"

#include "core/section.h"
#include "cpu/rope/rope.h"

namespace msc::cpu {
namespace {

// Below these many elements a call runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr int64_t kInlineElements = 16 * 1024;

}  // namespace

void latent_append(msc_stream& stream, const msc_batch& batch, msc_kv_cache& cache, const LatentAppendTask& task) {
  const KvLayout& layout = cache.layout;
  const RopeKernels& kernels = rope_kernels(stream.device->isa);
  const int64_t d = layout.k_width - layout.latent_width;
  const int64_t q_width = task.q.cols / task.num_q_heads;
  const int64_t rotated_width = task.rotated.cols / task.num_q_heads;
  const int64_t key_stride = (layout.k_width + 15) / 16 * 16;
  auto* keys =
      reinterpret_cast<float*>(stream.scratch(static_cast<size_t>(key_stride) * sizeof(float) * stream.device->pool.num_threads()));
  const auto append = [=, &batch, &cache, &layout, &kernels](unsigned thread, Range tokens) {
    float* key = keys + key_stride * thread;
    size_t sequence = 0;
    for (int64_t t = tokens.begin; t < tokens.end; ++t) {
      while (batch.query_offsets[sequence + 1] <= t) {
        ++sequence;
      }
      const float* table = task.table.row(t);
      for (int64_t h = 0; h < task.num_q_heads; ++h) {
        kernels.head(task.q.row(t) + (h + 1) * q_width - d, d, nullptr, 0.0f, table, d, task.pairing,
                     task.rotated.row(t) + (h + 1) * rotated_width - d);
      }
      const float* kv = task.kv.row(t);
      kernels.head(kv, layout.latent_width, task.norm_weight, task.norm_eps, nullptr, 0, task.pairing, key);
      kernels.head(kv + layout.latent_width, d, nullptr, 0.0f, table, d, task.pairing, key + layout.latent_width);
      const int64_t position = batch.positions[static_cast<size_t>(t)];
      const int32_t page = batch.pages(layout.group, static_cast<int64_t>(sequence))[position / layout.page_tokens];
      kernels.append(layout, cache.memory.data() + layout.block_offset(page, task.layer, 0), position % layout.page_tokens,
                     key, nullptr);
    }
  };
  const int64_t elements = batch.num_tokens * (task.num_q_heads * d + layout.k_width);
  for_each_range(stream, batch.num_tokens, elements < kInlineElements, append);
}

}  // namespace msc::cpu
