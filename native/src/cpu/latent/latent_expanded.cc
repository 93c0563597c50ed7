#include "cpu/latent/latent_expanded.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/section.h"
#include "cpu/attention/block.h"
#include "cpu/linear/group_units.h"
#include "cpu/linear/matrix_rows.h"
#include "cpu/linear/prepared_rows.h"
#include "cpu/rope/rope.h"

namespace msc::cpu {
namespace {

int64_t round_up(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

KvLayout expanded_layout(int64_t k_width, int64_t v_width) {
  msc_kv_cache_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.format = MSC_FORMAT_F32;
  desc.num_layers = 1;
  desc.num_kv_heads = 1;
  desc.k_width = k_width;
  desc.v_width = v_width;
  desc.page_tokens = kAttentionChunk;
  desc.num_pages = 1;
  return make_kv_layout(desc);
}

/// One latent row as float32.
void read_latent(const KvLayout& layout, const std::byte* page, int64_t slot, float* out) {
  const int64_t first = slot * layout.k_width;
  if (layout.format == MSC_FORMAT_F32) {
    std::memcpy(out, reinterpret_cast<const float*>(page) + first, static_cast<size_t>(layout.k_width) * sizeof(float));
  } else if (layout.format == MSC_FORMAT_BF16) {
    const auto* row = reinterpret_cast<const uint16_t*>(page) + first;
    for (int64_t i = 0; i < layout.k_width; ++i) {
      const uint32_t bits = static_cast<uint32_t>(row[i]) << 16;
      std::memcpy(out + i, &bits, sizeof bits);
    }
  } else {
    const auto* row = reinterpret_cast<const int8_t*>(page) + first;
    const float prefix = reinterpret_cast<const float*>(page + layout.k_scale_offset)[slot];
    const float rest = reinterpret_cast<const float*>(page + layout.v_scale_offset)[slot];
    for (int64_t i = 0; i < layout.k_width; ++i) {
      out[i] = static_cast<float>(row[i]) * (i < layout.latent_width ? prefix : rest);
    }
  }
}

/// A unit of work is one head of one sequence: chunk by chunk of positions, its keys and values are computed into a page
/// of its own, to which all the sequence's query tokens then attend.
class ExpandedSection {
 public:
  ExpandedSection(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const LatentExpandedTask& task)
      : batch_(batch),
        cache_(cache),
        latent_(cache.layout),
        task_(task),
        kernels_(linear_kernels(stream.device->isa, stream.device->features)),
        attention_(attention_kernels(stream.device->isa)),
        rope_(rope_kernels(stream.device->isa)),
        key_plan_(plan_matrix(kernels_, task.key->layout().format, task.precision)),
        value_plan_(plan_matrix(kernels_, task.value->layout().format, task.precision)),
        nope_(task.key->layout().rows),
        layout_(expanded_layout(nope_ + latent_.k_width - latent_.latent_width, task.value->layout().rows)),
        block_tokens_(attention_.max_block_rows) {
    for (int64_t s = 0; s < batch_.num_sequences; ++s) {
      max_blocks_ = std::max(max_blocks_, (num_tokens(s) + block_tokens_ - 1) / block_tokens_);
      if (num_tokens(s) > 0) {
        max_chunks_ = std::max(max_chunks_, last_position(s) / kAttentionChunk + 1);
      }
    }
    if (max_blocks_ > 0) {
      take_scratch(stream);
    }
  }

  bool is_alone() const { return max_blocks_ == 0; }

  void work(unsigned thread) {
    const int64_t count = batch_.num_sequences * task_.num_q_heads;
    for (int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count;) {
      run_head(i / task_.num_q_heads, i % task_.num_q_heads, memory_ + thread_bytes_ * thread);
    }
  }

 private:
  struct Parts {
    std::byte* page;
    float* latents;  // [kMaxTileRows][latent_stride]
    std::byte* key_rows;
    std::byte* value_rows;
    float* keys;    // [kMaxTileRows][k_width]
    float* values;  // [kMaxTileRows][v_width]
    float* blocks;  // a scratch for each block of query tokens
  };

  int64_t num_tokens(int64_t s) const {
    return batch_.query_offsets[static_cast<size_t>(s) + 1] - batch_.query_offsets[static_cast<size_t>(s)];
  }
  int64_t last_position(int64_t s) const {
    return batch_.positions[static_cast<size_t>(batch_.query_offsets[static_cast<size_t>(s) + 1]) - 1];
  }

  void take_scratch(msc_stream& stream) {
    latent_stride_ = round_up(latent_.k_width, 16);
    key_row_bytes_ = prepared_row_bytes(key_plan_.input, latent_.latent_width);
    value_row_bytes_ = prepared_row_bytes(value_plan_.input, latent_.latent_width);
    block_floats_ = round_up(attention_.scratch_floats(layout_, block_tokens_, 1), 16);
    const Parts ends = parts(nullptr);
    thread_bytes_ = static_cast<size_t>(reinterpret_cast<uintptr_t>(ends.blocks)) +
                    static_cast<size_t>(block_floats_ * max_blocks_) * sizeof(float);
    const auto page_table_bytes = static_cast<size_t>(round_up(max_chunks_ * 4, 64));
    std::byte* memory = stream.scratch(page_table_bytes + thread_bytes_ * stream.device->pool.num_threads());
    // Every chunk lies in the one page.
    pages_ = reinterpret_cast<int32_t*>(memory);
    std::fill_n(pages_, max_chunks_, 0);
    memory_ = memory + page_table_bytes;
  }

  Parts parts(std::byte* base) const {
    auto at = reinterpret_cast<uintptr_t>(base);
    const auto take = [&](size_t bytes) {
      const uintptr_t part = at;
      at += (bytes + 63) / 64 * 64;
      return part;
    };
    const auto floats = [&](int64_t count) { return reinterpret_cast<float*>(take(static_cast<size_t>(count) * sizeof(float))); };
    Parts result{};
    result.page = reinterpret_cast<std::byte*>(take(layout_.page_bytes));
    result.latents = floats(kMaxTileRows * latent_stride_);
    result.key_rows = reinterpret_cast<std::byte*>(take(key_row_bytes_ * kMaxTileRows));
    result.value_rows = reinterpret_cast<std::byte*>(take(value_row_bytes_ * kMaxTileRows));
    result.keys = floats(kMaxTileRows * layout_.k_width);
    result.values = floats(kMaxTileRows * layout_.v_width);
    result.blocks = floats(0);
    return result;
  }

  void run_head(int64_t s, int64_t head, std::byte* memory) const {
    const int64_t tokens = num_tokens(s);
    if (tokens == 0) {
      return;
    }
    const Parts p = parts(memory);
    const int64_t last = last_position(s);
    for (int64_t chunk = 0; chunk <= last / kAttentionChunk; ++chunk) {
      const int64_t begin = chunk * kAttentionChunk;
      const int64_t end = std::min(begin + kAttentionChunk, last + 1);
      for (int64_t at = begin; at < end; at += kMaxTileRows) {
        expand(s, head, at, std::min<int64_t>(at + kMaxTileRows, end), p);
      }
      for (int64_t b = 0; b * block_tokens_ < tokens; ++b) {
        attend(s, head, b, chunk, p);
      }
    }
  }

  /// Keys and values of positions [begin, end), at most kMaxTileRows, to their places in the page.
  void expand(int64_t s, int64_t head, int64_t begin, int64_t end, const Parts& p) const {
    const int32_t* pages = batch_.pages(latent_.group, s);
    const InputTransform transform{&kernels_, nullptr, nullptr, 0.0f};
    const int num_rows = static_cast<int>(end - begin);
    for (int64_t i = 0; i < num_rows; ++i) {
      const int64_t position = begin + i;
      const std::byte* page =
          cache_.memory.data() + latent_.block_offset(pages[position / latent_.page_tokens], task_.layer, 0);
      float* row = p.latents + i * latent_stride_;
      read_latent(latent_, page, position % latent_.page_tokens, row);
      prepare_row(transform, key_plan_.input, row, latent_.latent_width, nullptr, p.key_rows + key_row_bytes_ * static_cast<size_t>(i));
      prepare_row(transform, value_plan_.input, row, latent_.latent_width, nullptr,
                  p.value_rows + value_row_bytes_ * static_cast<size_t>(i));
      std::copy(row + latent_.latent_width, row + latent_.k_width, p.keys + i * layout_.k_width + nope_);
    }
    multiply(key_plan_, task_.key->expert(head), p.key_rows, key_row_bytes_, num_rows, p.keys, layout_.k_width);
    multiply(value_plan_, task_.value->expert(head), p.value_rows, value_row_bytes_, num_rows, p.values, layout_.v_width);
    for (int64_t i = 0; i < num_rows; ++i) {
      rope_.append(layout_, p.page, (begin + i) % kAttentionChunk, p.keys + i * layout_.k_width, p.values + i * layout_.v_width);
    }
  }

  void multiply(const MatrixPlan& plan, const PackedMatrix& matrix, const std::byte* prepared, size_t row_bytes, int num_rows,
                float* out, int64_t out_stride) const {
    const std::byte* rows[kMaxTileRows];
    for (int m = 0; m < num_rows; ++m) {
      rows[m] = prepared + row_bytes * static_cast<size_t>(m);
    }
    alignas(64) float tile[GroupUnits::kMaxTileRowsTimesGroups * 16];
    const GroupUnits units(matrix.layout.num_groups, num_rows, 1);
    for (int64_t u = 0; u < units.count(); ++u) {
      const GroupUnit unit = units.unit(u);
      const int64_t first_column = unit.first * static_cast<int64_t>(matrix.layout.row_group);
      multiply_groups(plan, matrix, unit.first, unit.count, rows, num_rows, tile, unit.step);
      kernels_.finish({tile, unit.count, num_rows, matrix.layout.rows - first_column, nullptr, out + first_column, out_stride,
                       false, unit.step});
    }
  }

  void attend(int64_t s, int64_t head, int64_t index, int64_t chunk, const Parts& p) const {
    const int64_t first = batch_.query_offsets[static_cast<size_t>(s)] + index * block_tokens_;
    AttentionBlock block{};
    block.num_tokens = std::min<int64_t>(block_tokens_, batch_.query_offsets[static_cast<size_t>(s) + 1] - first);
    block.first_position = batch_.positions[static_cast<size_t>(first)];
    const int64_t last_chunk = (block.first_position + block.num_tokens - 1) / kAttentionChunk;
    if (chunk > last_chunk) {
      return;
    }
    block.q = task_.q.row(first) + head * layout_.k_width;
    block.q_token_stride = task_.q.stride;
    block.group_size = 1;
    block.scale = task_.scale;
    block.layout = &layout_;
    block.cache = p.page;
    block.pages = pages_;
    block.chunk_begin = chunk;
    block.chunk_end = chunk + 1;
    block.out = task_.out.row(first) + head * layout_.v_width;
    block.out_token_stride = task_.out.stride;
    block.scratch = p.blocks + block_floats_ * index;
    block.continues = chunk > 0;
    block.unfinished = chunk < last_chunk;
    attention_.run(block);
  }

  const msc_batch& batch_;
  const msc_kv_cache& cache_;
  const KvLayout& latent_;
  const LatentExpandedTask task_;
  const LinearKernels& kernels_;
  const AttentionKernels& attention_;
  const RopeKernels& rope_;
  const MatrixPlan key_plan_;
  const MatrixPlan value_plan_;
  const int64_t nope_;
  const KvLayout layout_;  // of the page that holds one head's chunk
  const int64_t block_tokens_;

  int64_t max_blocks_ = 0;
  int64_t max_chunks_ = 0;
  int64_t latent_stride_ = 0;
  size_t key_row_bytes_ = 0;
  size_t value_row_bytes_ = 0;
  int64_t block_floats_ = 0;
  size_t thread_bytes_ = 0;
  int32_t* pages_ = nullptr;
  std::byte* memory_ = nullptr;
  alignas(64) std::atomic<int64_t> next_{0};
};

}  // namespace

void latent_expanded(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const LatentExpandedTask& task) {
  run_section<ExpandedSection>(stream, batch, cache, task);
}

}  // namespace msc::cpu
