#pragma once

#include <cstdint>

#include "cpu/attention/block.h"
#include "cpu/attention/softmax.h"
#include "cpu/attention/tiles.h"

/// Flash attention of one block (Dao et al. 2022), by chunks of the absolute position. Instantiated per level.
namespace msc::cpu {

template <class S>
class BlockKernel {
 public:
  static constexpr int64_t kMaxBlockRows = 12 * S::kMaxRows;

  static int64_t scratch_floats(const KvLayout& layout, int64_t num_tokens, int64_t group_size) {
    return Scratch(nullptr, layout, num_tokens * group_size).size;
  }

  static int64_t partial_floats(const KvLayout& layout, int64_t num_tokens, int64_t group_size) {
    return num_tokens * group_size * partial_stride(layout);
  }

  static void run(const AttentionBlock& block) {
    switch (block.layout->format) {
      case MSC_FORMAT_F32:
        return run_format<float>(block);
      case MSC_FORMAT_BF16:
        return run_format<uint16_t>(block);
      default:
        return run_format<int8_t>(block);
    }
  }

  static void combine(const AttentionBlock& block) {
    const Scratch scratch(block.scratch, *block.layout, block.num_rows());
    const int64_t stride = partial_stride(*block.layout);
    const int64_t v_padded = block.layout->v_padded;
    start_fold(block, scratch);
    for (int64_t chunk = block.chunk_begin; chunk < block.chunk_end; ++chunk) {
      const float* partial = block.partials + (chunk - block.partials_first_chunk) * block.num_rows() * stride;
      for (int64_t r = 0; r < block.num_rows(); ++r, partial += stride) {
        if (is_visible(block, r, chunk)) {
          fold_row<S>(scratch.state[r], scratch.folded + r * v_padded, {partial[v_padded], partial[v_padded + 1]}, partial,
                      v_padded);
        }
      }
    }
    finish(block, scratch);
  }

 private:
  // The micro-tile's share of a block, balanced so that no tile is left with one row.
  struct RowTiles {
    explicit RowTiles(int64_t num_rows)
        : rows(num_rows), count((num_rows + S::kMaxRows - 1) / S::kMaxRows) {}
    int64_t begin(int64_t tile) const { return rows * tile / count; }
    int64_t rows;
    int64_t count;
  };

  struct Scratch {
    Scratch(float* base, const KvLayout& layout, int64_t rows) {
      int64_t used = 0;
      const auto take = [&](int64_t floats) {
        float* part = base == nullptr || floats == 0 ? nullptr : base + used;
        used += (floats + 15) / 16 * 16;
        return part;
      };
      q = take(rows * layout.k_width);
      scores = take(rows * kAttentionChunk);
      sums = take(rows * layout.v_padded);
      folded = take(rows * layout.v_padded);
      state = reinterpret_cast<SoftmaxState*>(take(rows * 2));
      chunk_state = reinterpret_cast<SoftmaxState*>(take(rows * 2));
      const bool unpack = rows >= kUnpackRows;
      keys = take(unpack ? kAttentionChunk * layout.k_width : 0);
      values = take(unpack ? kAttentionChunk * layout.v_padded : 0);
      size = used;
    }
    float* q;       // per row tile [k_width][rows of the tile], times scale
    float* scores;  // [rows][kAttentionChunk]
    float* sums;    // [rows][v_padded] of the current chunk
    float* folded;  // [rows][v_padded] of all chunks so far
    SoftmaxState* state;
    SoftmaxState* chunk_state;
    float* keys;    // the chunk as float32: groups as in the page
    float* values;  // [panel][position][16]
    int64_t size;
  };

  // From this many rows on, a chunk is first expanded to float32: its cost is spread over the rows, and panels of values
  // become contiguous (no cache-set conflicts).
  static constexpr int64_t kUnpackRows = 4 * S::kMaxRows;

  template <class E>
  struct Chunk {
    const E* keys[kChunkGroups];
    const E* values[kChunkGroups];
    const float* key_scales[kChunkGroups];
    const float* value_scales[kChunkGroups];
    int64_t group_begin;  // groups that any row sees
    int64_t group_end;
    const E* next_keys[kChunkGroups];  // of the chunk that comes after this one
  };

  static bool is_visible(const AttentionBlock& block, int64_t row, int64_t chunk) {
    const VisibleRange range = visible_range(block, row / block.group_size, chunk);
    return range.begin < range.end;
  }

  template <class E>
  static Chunk<E> locate(const AttentionBlock& block, int64_t index) {
    const KvLayout& layout = *block.layout;
    Chunk<E> chunk;
    chunk.group_begin = visible_range(block, 0, index).begin / kKvGroup;
    chunk.group_end = (visible_range(block, block.num_tokens - 1, index).end + kKvGroup - 1) / kKvGroup;
    for (int64_t g = chunk.group_begin; g < chunk.group_end; ++g) {
      const int64_t position = index * kAttentionChunk + g * kKvGroup;
      const int64_t slot = position % layout.page_tokens;
      const std::byte* head = block.cache + static_cast<uint64_t>(block.pages[position / layout.page_tokens]) * layout.page_bytes;
      chunk.keys[g] = reinterpret_cast<const E*>(head) + slot * layout.k_width;
      chunk.values[g] = reinterpret_cast<const E*>(head + layout.v_offset) + slot * layout.v_padded;
      chunk.key_scales[g] = reinterpret_cast<const float*>(head + layout.k_scale_offset) + slot;
      chunk.value_scales[g] = reinterpret_cast<const float*>(head + layout.v_scale_offset) + slot;
    }
    return chunk;
  }

  /// A chunk read from memory: while its keys are used its values are fetched, and meanwhile the next chunk's keys.
  template <class E>
  static void locate_next(const AttentionBlock& block, int64_t index, Chunk<E>& chunk) {
    const Chunk<E> next = locate<E>(block, index);
    for (int64_t g = 0; g < kChunkGroups; ++g) {
      chunk.next_keys[g] = next.keys[g < next.group_end ? g : next.group_end - 1];
    }
  }

  template <class E>
  static void run_format(const AttentionBlock& block) {
    const Scratch scratch(block.scratch, *block.layout, block.num_rows());
    if (!block.continues) {
      pack_queries(block, scratch);
      start_fold(block, scratch);
    }
    for (int64_t index = block.chunk_begin; index < block.chunk_end; ++index) {
      Chunk<E> chunk = locate<E>(block, index);
      if (scratch.keys != nullptr) {
        unpack(block, chunk, scratch);
        run_chunk(block, index, unpacked(block, chunk, scratch), kAttentionChunk * kKvGroup, sizeof(E) == 1, false, scratch);
      } else {
        locate_next(block, index + 1 < block.chunk_end ? index + 1 : index, chunk);
        run_chunk(block, index, chunk, kKvGroup * kKvGroup, sizeof(E) == 1, true, scratch);
      }
      block.partials != nullptr ? save_partials(block, index, scratch) : fold_chunk(block, index, scratch);
    }
    if (block.partials == nullptr && !block.unfinished) {
      finish(block, scratch);
    }
  }

  static void pack_queries(const AttentionBlock& block, const Scratch& scratch) {
    const RowTiles tiles(block.num_rows());
    const int64_t k_width = block.layout->k_width;
    for (int64_t tile = 0; tile < tiles.count; ++tile) {
      const int64_t begin = tiles.begin(tile);
      const int64_t rows = tiles.begin(tile + 1) - begin;
      float* packed = scratch.q + begin * k_width;
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t row = begin + r;
        const float* q = block.q + row / block.group_size * block.q_token_stride + row % block.group_size * k_width;
        for (int64_t d = 0; d < k_width; ++d) {
          packed[d * rows + r] = q[d] * block.scale;
        }
      }
    }
  }

  template <class E>
  static void unpack(const AttentionBlock& block, const Chunk<E>& chunk, const Scratch& scratch) {
    const int64_t k_width = block.layout->k_width;
    const int64_t panels = block.layout->v_padded / kKvGroup;
    for (int64_t g = chunk.group_begin; g < chunk.group_end; ++g) {
      if constexpr (sizeof(E) != sizeof(float)) {
        float* keys = scratch.keys + g * kKvGroup * k_width;
        for (int64_t i = 0; i < kKvGroup * k_width; i += S::kLanes) {
          S::store(keys + i, S::load(chunk.keys[g] + i));
        }
      }
      for (int64_t j = 0; j < panels; ++j) {
        const E* source = chunk.values[g] + j * kKvGroup * kKvGroup;
        float* values = scratch.values + (j * kAttentionChunk + g * kKvGroup) * kKvGroup;
        for (int64_t i = 0; i < kKvGroup * kKvGroup; i += S::kLanes) {
          S::store(values + i, S::load(source + i));
        }
      }
    }
  }

  template <class E>
  static Chunk<float> unpacked(const AttentionBlock& block, const Chunk<E>& chunk, const Scratch& scratch) {
    Chunk<float> result;
    result.group_begin = chunk.group_begin;
    result.group_end = chunk.group_end;
    for (int64_t g = chunk.group_begin; g < chunk.group_end; ++g) {
      if constexpr (sizeof(E) == sizeof(float)) {
        result.keys[g] = chunk.keys[g];
      } else {
        result.keys[g] = scratch.keys + g * kKvGroup * block.layout->k_width;
      }
      result.values[g] = scratch.values + g * kKvGroup * kKvGroup;
      result.key_scales[g] = chunk.key_scales[g];
      result.value_scales[g] = chunk.value_scales[g];
    }
    return result;
  }

  /// Fills sums and chunk_state with this chunk's part of every row that sees any of it.
  template <class E>
  static void run_chunk(const AttentionBlock& block, int64_t index, const Chunk<E>& chunk, int64_t panel_stride, bool scaled,
                        bool prefetch, const Scratch& scratch) {
    const RowTiles tiles(block.num_rows());
    const int64_t k_width = block.layout->k_width;
    const int64_t v_padded = block.layout->v_padded;
    // Keys of a few groups stay in the first-level cache while all row tiles use them.
    constexpr int64_t kStep = 4;
    for (int64_t g = chunk.group_begin; g < chunk.group_end; g += kStep) {
      for (int64_t tile = 0; tile < tiles.count; ++tile) {
        const int64_t begin = tiles.begin(tile);
        const int64_t end = tiles.begin(tile + 1);
        const int64_t last_token = (end - 1) / block.group_size;
        const int64_t seen = (visible_range(block, last_token, index).end + kKvGroup - 1) / kKvGroup;
        const int64_t stop = g + kStep < seen ? g + kStep : seen;
        if (g < stop) {
          score_rows<S, E>(end - begin, scratch.q + begin * k_width, chunk.keys,
                           prefetch && tile == 0 ? chunk.values : nullptr, g, stop, chunk.group_end, k_width,
                           scratch.scores + begin * kAttentionChunk);
        }
      }
    }
    for (int64_t r = 0; r < block.num_rows(); ++r) {
      const VisibleRange range = visible_range(block, r / block.group_size, index);
      if (range.begin < range.end) {
        scratch.chunk_state[r] = softmax_row<S>(scratch.scores + r * kAttentionChunk, range, row_bias(block, r, index),
                                                scaled ? chunk.key_scales : nullptr, scaled ? chunk.value_scales : nullptr);
      }
    }
    for (int64_t i = 0; i < block.num_rows() * v_padded; i += S::kLanes) {
      S::store(scratch.sums + i, S::zero());
    }
    constexpr int64_t kPanelStep = 4;
    const int64_t panels = v_padded / kKvGroup;
    for (int64_t j = 0; j < panels; j += kPanelStep) {
      const int64_t panel_end = j + kPanelStep < panels ? j + kPanelStep : panels;
      for (int64_t tile = 0; tile < tiles.count; ++tile) {
        add_values(block, index, chunk, prefetch && tile == 0 ? chunk.next_keys : nullptr, panel_stride, tiles.begin(tile),
                   tiles.begin(tile + 1), j, panel_end, scratch);
      }
    }
  }

  /// Values of one row tile. Rows see different positions at the edges; there each row goes alone, so that no row ever
  /// touches a position that it does not see.
  template <class E>
  static void add_values(const AttentionBlock& block, int64_t index, const Chunk<E>& chunk, const E* const* prefetch,
                         int64_t panel_stride, int64_t row_begin, int64_t row_end, int64_t panel_begin, int64_t panel_end, const Scratch& scratch) {
    const int64_t v_padded = block.layout->v_padded;
    const auto add = [&](int64_t row, int64_t rows, int64_t begin, int64_t end) {
      if (begin < end) {
        value_rows<S, E>(rows, scratch.scores + row * kAttentionChunk, chunk.values, prefetch, panel_stride, panel_begin, panel_end,
                         begin, end, scratch.sums + row * v_padded, v_padded);
      }
    };
    const VisibleRange first = visible_range(block, row_begin / block.group_size, index);
    const VisibleRange last = visible_range(block, (row_end - 1) / block.group_size, index);
    // Both ends grow with the token, so the first and last rows bound what all see.
    const int64_t common_begin = last.begin;
    const int64_t common_end = first.end;
    if (first.begin == last.begin && first.end == last.end) {
      add(row_begin, row_end - row_begin, first.begin, first.end);
    } else if (common_begin < common_end) {
      for (int64_t r = row_begin; r < row_end; ++r) {
        add(r, 1, visible_range(block, r / block.group_size, index).begin, common_begin);
      }
      add(row_begin, row_end - row_begin, common_begin, common_end);
      for (int64_t r = row_begin; r < row_end; ++r) {
        add(r, 1, common_end, visible_range(block, r / block.group_size, index).end);
      }
    } else {
      for (int64_t r = row_begin; r < row_end; ++r) {
        const VisibleRange range = visible_range(block, r / block.group_size, index);
        add(r, 1, range.begin, range.end);
      }
    }
  }

  static void start_fold(const AttentionBlock& block, const Scratch& scratch) {
    for (int64_t r = 0; r < block.num_rows(); ++r) {
      scratch.state[r] = SoftmaxState::empty();
    }
  }

  static void fold_chunk(const AttentionBlock& block, int64_t index, const Scratch& scratch) {
    const int64_t v_padded = block.layout->v_padded;
    for (int64_t r = 0; r < block.num_rows(); ++r) {
      if (is_visible(block, r, index)) {
        fold_row<S>(scratch.state[r], scratch.folded + r * v_padded, scratch.chunk_state[r], scratch.sums + r * v_padded,
                    v_padded);
      }
    }
  }

  static void save_partials(const AttentionBlock& block, int64_t index, const Scratch& scratch) {
    const int64_t v_padded = block.layout->v_padded;
    const int64_t stride = partial_stride(*block.layout);
    float* partial = block.partials + (index - block.partials_first_chunk) * block.num_rows() * stride;
    for (int64_t r = 0; r < block.num_rows(); ++r, partial += stride) {
      for (int64_t i = 0; i < v_padded; i += S::kLanes) {
        S::store(partial + i, S::load(scratch.sums + r * v_padded + i));
      }
      partial[v_padded] = scratch.chunk_state[r].maximum;
      partial[v_padded + 1] = scratch.chunk_state[r].sum;
    }
  }

  static void finish(const AttentionBlock& block, const Scratch& scratch) {
    const int64_t v_width = block.layout->v_width;
    for (int64_t r = 0; r < block.num_rows(); ++r) {
      const int64_t head = r % block.group_size;
      const float factor = final_factor<S>(scratch.state[r], block.sinks == nullptr ? nullptr : block.sinks + head);
      const float* folded = scratch.folded + r * block.layout->v_padded;
      float* out = block.out + r / block.group_size * block.out_token_stride + head * v_width;
      for (int64_t i = 0; i < v_width; ++i) {
        out[i] = folded[i] * factor;
      }
    }
  }
};

template <class S>
const AttentionKernels& attention_kernels_of() {
  static constexpr AttentionKernels kKernels = {BlockKernel<S>::kMaxBlockRows,  1,
                                                BlockKernel<S>::scratch_floats, BlockKernel<S>::partial_floats,
                                                BlockKernel<S>::run,            BlockKernel<S>::combine};
  return kKernels;
}

}  // namespace msc::cpu
