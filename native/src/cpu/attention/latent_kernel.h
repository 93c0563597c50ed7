#pragma once

#include <cstdint>

#include "cpu/attention/block.h"
#include "cpu/attention/latent_tiles.h"
#include "cpu/vec/math.h"

/// Flash attention of one block over a latent cache: many query heads against one head whose values are a prefix of its
/// keys. Each step's positions are brought to float32 once for all heads and tokens of the block, scored, and used as
/// values while they are still in the second-level cache. Instantiated per level.
namespace msc::cpu {

template <class S>
class LatentKernel {
 public:
  /// More tiles share one expansion; fewer leave more of the second-level cache to the latents.
  static constexpr int64_t kMaxTiles = 4;
  static constexpr int64_t kMaxBlockRows = kMaxTiles * kLatentHeads;

  static int64_t scratch_floats(const KvLayout& layout, int64_t num_tokens, int64_t group_size) {
    return Scratch(nullptr, layout, num_tokens * tiles_per_token(group_size)).size;
  }

  static int64_t partial_floats(const KvLayout& layout, int64_t num_tokens, int64_t group_size) {
    return num_tokens * tiles_per_token(group_size) * tile_floats(layout);
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
    const Tiles tiles(block);
    const Scratch scratch(block.scratch, *block.layout, tiles.count);
    for (int64_t chunk = block.chunk_begin; chunk < block.chunk_end; ++chunk) {
      for (int64_t t = 0; t < tiles.count; ++t) {
        if (is_visible(block, tiles.token(t), chunk)) {
          fold(block, t, partial(block, tiles, chunk, t), chunk == first_chunk(block, tiles.token(t)), scratch);
        }
      }
    }
    finish(block, tiles, scratch);
  }

 private:
  using Vec = typename S::Vec;
  /// Positions expanded and scored at a time, at multiples within a chunk: part of the result's definition, as the
  /// largest score so far is.
  static constexpr int64_t kStep = 64;
  static_assert(kAttentionChunk % kStep == 0 && kStep % kKvGroup == 0);

  static int64_t tiles_per_token(int64_t group_size) { return (group_size + kLatentHeads - 1) / kLatentHeads; }

  /// Weighted values [latent_width][16 heads], then maxima [16], then sums [16].
  static int64_t tile_floats(const KvLayout& layout) { return (layout.latent_width + 2) * kLatentHeads; }

  /// 16 heads of one token each.
  struct Tiles {
    explicit Tiles(const AttentionBlock& block)
        : per_token(tiles_per_token(block.group_size)), count(block.num_tokens * per_token), group_size(block.group_size) {}
    int64_t token(int64_t tile) const { return tile / per_token; }
    int64_t first_head(int64_t tile) const { return tile % per_token * kLatentHeads; }
    int64_t num_heads(int64_t tile) const {
      const int64_t rest = group_size - first_head(tile);
      return rest < kLatentHeads ? rest : kLatentHeads;
    }
    int64_t per_token;
    int64_t count;
    int64_t group_size;
  };

  struct Scratch {
    Scratch(float* base, const KvLayout& layout, int64_t tiles) {
      int64_t used = 0;
      const auto take = [&](int64_t floats) {
        float* part = base == nullptr ? nullptr : base + used;
        used += (floats + 15) / 16 * 16;
        return part;
      };
      // An odd number of cache lines, so that a column of rows does not fall on the same sets of the cache.
      row_stride = ((layout.k_width + 15) / 16 | 1) * 16;
      q = take(tiles * layout.k_width * kLatentHeads);
      rows = take(kStep * row_stride);
      scores = take(kStep * kLatentHeads);
      chunk = take(tiles * tile_floats(layout));
      folded = take(tiles * tile_floats(layout));
      size = used;
    }
    float* q;       // [tile][k_width][16], times scale; zero in lanes without a head
    float* rows;    // [kStep][row_stride]: the step's positions
    float* scores;  // [kStep][16] of one tile
    float* chunk;   // [tile][tile_floats] of the current chunk
    float* folded;  // likewise of all chunks so far
    int64_t row_stride;
    int64_t size;
  };

  static bool is_visible(const AttentionBlock& block, int64_t token, int64_t chunk) {
    const VisibleRange range = visible_range(block, token, chunk);
    return range.begin < range.end;
  }

  /// First chunk that a token sees.
  static int64_t first_chunk(const AttentionBlock& block, int64_t token) {
    const int64_t first = block.window > 0 ? block.first_position + token - block.window + 1 : 0;
    return first < 0 ? 0 : first / kAttentionChunk;
  }

  template <class E>
  static void run_format(const AttentionBlock& block) {
    const Tiles tiles(block);
    const Scratch scratch(block.scratch, *block.layout, tiles.count);
    pack_queries(block, tiles, scratch);
    for (int64_t index = block.chunk_begin; index < block.chunk_end; ++index) {
      run_chunk<E>(block, tiles, index, scratch);
      for (int64_t t = 0; t < tiles.count; ++t) {
        if (!is_visible(block, tiles.token(t), index)) {
          continue;
        }
        const float* chunk = scratch.chunk + t * tile_floats(*block.layout);
        if (block.partials != nullptr) {
          copy(partial(block, tiles, index, t), chunk, tile_floats(*block.layout));
        } else {
          fold(block, t, chunk, index == first_chunk(block, tiles.token(t)), scratch);
        }
      }
    }
    if (block.partials == nullptr) {
      finish(block, tiles, scratch);
    }
  }

  static float* partial(const AttentionBlock& block, const Tiles& tiles, int64_t chunk, int64_t tile) {
    return block.partials + ((chunk - block.partials_first_chunk) * tiles.count + tile) * tile_floats(*block.layout);
  }

  static void copy(float* to, const float* from, int64_t floats) {
    for (int64_t i = 0; i < floats; i += S::kLanes) {
      S::store(to + i, S::load(from + i));
    }
  }

  static void pack_queries(const AttentionBlock& block, const Tiles& tiles, const Scratch& scratch) {
    const int64_t k_width = block.layout->k_width;
    for (int64_t t = 0; t < tiles.count; ++t) {
      float* packed = scratch.q + t * k_width * kLatentHeads;
      const float* q = block.q + tiles.token(t) * block.q_token_stride + tiles.first_head(t) * k_width;
      const int64_t heads = tiles.num_heads(t);
      for (int64_t d = 0; d < k_width; ++d) {
        for (int64_t h = 0; h < kLatentHeads; ++h) {
          packed[d * kLatentHeads + h] = h < heads ? q[h * k_width + d] * block.scale : 0.0f;
        }
      }
    }
  }

  template <class E>
  static void run_chunk(const AttentionBlock& block, const Tiles& tiles, int64_t index, const Scratch& scratch) {
    const int64_t first = visible_range(block, 0, index).begin;
    const int64_t last = visible_range(block, block.num_tokens - 1, index).end;
    for (int64_t step = first / kStep * kStep; step < last; step += kStep) {
      const int64_t step_end = step + kStep < last ? step + kStep : last;
      const int64_t step_begin = step < first ? first : step;
      expand<E>(block, index * kAttentionChunk, step_begin, step_end, scratch.rows + (step_begin - step) * scratch.row_stride,
                scratch.row_stride);
      for (int64_t t = 0; t < tiles.count; ++t) {
        const VisibleRange seen = visible_range(block, tiles.token(t), index);
        const int64_t begin = seen.begin < step ? step : seen.begin;
        const int64_t end = seen.end < step_end ? seen.end : step_end;
        if (begin < end) {
          add_positions(block, t, begin == seen.begin, scratch.rows + (begin - step) * scratch.row_stride, end - begin, scratch);
        }
      }
    }
  }

  /// Brings positions [begin, end) of the chunk at `chunk_start` to float32.
  template <class E>
  static void expand(const AttentionBlock& block, int64_t chunk_start, int64_t begin, int64_t end, float* rows,
                     int64_t row_stride) {
    const KvLayout& layout = *block.layout;
    while (begin < end) {
      const int64_t group_end = (begin / kKvGroup + 1) * kKvGroup;
      const int64_t stop = group_end < end ? group_end : end;
      const int64_t position = chunk_start + begin;
      int64_t slot = position % layout.page_tokens;
      const std::byte* page = block.cache + static_cast<uint64_t>(block.pages[position / layout.page_tokens]) * layout.page_bytes;
      for (; begin < stop; ++begin, ++slot, rows += row_stride) {
        const E* row = reinterpret_cast<const E*>(page) + slot * layout.k_width;
        if constexpr (sizeof(E) == 1) {
          const float prefix = reinterpret_cast<const float*>(page + layout.k_scale_offset)[slot];
          const float rest = reinterpret_cast<const float*>(page + layout.v_scale_offset)[slot];
          expand_scaled(row, layout.latent_width, prefix, rows);
          expand_scaled(row + layout.latent_width, layout.k_width - layout.latent_width, rest, rows + layout.latent_width);
        } else {
          int64_t i = 0;
          for (; i + S::kLanes <= layout.k_width; i += S::kLanes) {
            S::store(rows + i, S::load(row + i));
          }
          for (; i < layout.k_width; ++i) {
            rows[i] = to_float(row[i]);
          }
        }
      }
    }
  }

  static void expand_scaled(const int8_t* from, int64_t count, float scale, float* to) {
    const Vec scales = S::set1(scale);
    int64_t i = 0;
    for (; i + S::kLanes <= count; i += S::kLanes) {
      S::store(to + i, S::mul(S::load(from + i), scales));
    }
    for (; i < count; ++i) {
      to[i] = static_cast<float>(from[i]) * scale;
    }
  }

  static float to_float(float x) { return x; }
  static float to_float(uint16_t x) {
    const uint32_t bits = static_cast<uint32_t>(x) << 16;
    float result;
    __builtin_memcpy(&result, &bits, sizeof result);
    return result;
  }

  /// Online softmax (Milakov and Gimelshein 2018), lane by lane: adds `count` positions to a tile's chunk; `first`: they
  /// begin it.
  static void add_positions(const AttentionBlock& block, int64_t tile, bool first, const float* rows, int64_t count,
                            const Scratch& scratch) {
    const KvLayout& layout = *block.layout;
    float* sums = scratch.chunk + tile * tile_floats(layout);
    float* maximum = sums + layout.latent_width * kLatentHeads;
    float* total = maximum + kLatentHeads;
    float factors[kLatentHeads];
    latent_scores<S>(scratch.q + tile * layout.k_width * kLatentHeads, rows, scratch.row_stride, layout.k_width, count,
                     scratch.scores);
    for (int64_t v = 0; v < kLatentHeads; v += S::kLanes) {
      float* scores = scratch.scores + v;
      Vec largest = first ? S::load(scores) : S::load(maximum + v);
      for (int64_t p = 0; p < count; ++p) {
        largest = S::max(largest, S::load(scores + p * kLatentHeads));
      }
      Vec sum = S::zero();
      if (!first) {
        const Vec factor = exp<S>(S::sub(S::load(maximum + v), largest));
        S::store(factors + v, factor);
        sum = S::mul(S::load(total + v), factor);
      }
      for (int64_t p = 0; p < count; ++p) {
        const Vec weight = exp<S>(S::sub(S::load(scores + p * kLatentHeads), largest));
        S::store(scores + p * kLatentHeads, weight);
        sum = S::add(sum, weight);
      }
      S::store(maximum + v, largest);
      S::store(total + v, sum);
    }
    latent_values<S>(scratch.scores, rows, scratch.row_stride, layout.latent_width, count, first ? nullptr : factors, sums);
  }

  /// Adds a chunk to what was folded of the chunks left of it; the first one is copied.
  static void fold(const AttentionBlock& block, int64_t tile, const float* chunk, bool first, const Scratch& scratch) {
    const int64_t width = block.layout->latent_width;
    float* folded = scratch.folded + tile * tile_floats(*block.layout);
    if (first) {
      copy(folded, chunk, tile_floats(*block.layout));
      return;
    }
    for (int64_t v = 0; v < kLatentHeads; v += S::kLanes) {
      float* maximum = folded + width * kLatentHeads + v;
      float* total = maximum + kLatentHeads;
      const float* chunk_maximum = chunk + width * kLatentHeads + v;
      const Vec largest = S::max(S::load(chunk_maximum), S::load(maximum));
      const Vec old_factor = exp<S>(S::sub(S::load(maximum), largest));
      const Vec new_factor = exp<S>(S::sub(S::load(chunk_maximum), largest));
      S::store(maximum, largest);
      S::store(total, S::fma(S::load(chunk_maximum + kLatentHeads), new_factor, S::mul(S::load(total), old_factor)));
      for (int64_t i = v; i < width * kLatentHeads; i += kLatentHeads) {
        S::store(folded + i, S::fma(S::load(chunk + i), new_factor, S::mul(S::load(folded + i), old_factor)));
      }
    }
  }

  static void finish(const AttentionBlock& block, const Tiles& tiles, const Scratch& scratch) {
    const int64_t width = block.layout->latent_width;
    for (int64_t t = 0; t < tiles.count; ++t) {
      const float* folded = scratch.folded + t * tile_floats(*block.layout);
      const float* total = folded + (width + 1) * kLatentHeads;
      for (int64_t h = 0; h < tiles.num_heads(t); ++h) {
        const float factor = 1.0f / total[h];
        float* out = block.out + tiles.token(t) * block.out_token_stride + (tiles.first_head(t) + h) * width;
        for (int64_t i = 0; i < width; ++i) {
          out[i] = folded[i * kLatentHeads + h] * factor;
        }
      }
    }
  }
};

template <class S>
const AttentionKernels& latent_kernels_of() {
  static constexpr AttentionKernels kKernels = {LatentKernel<S>::kMaxBlockRows,  kLatentHeads,
                                                LatentKernel<S>::scratch_floats, LatentKernel<S>::partial_floats,
                                                LatentKernel<S>::run,            LatentKernel<S>::combine};
  return kKernels;
}

}  // namespace msc::cpu
