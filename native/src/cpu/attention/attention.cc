#include "cpu/attention/attention.h"

#include <algorithm>
#include <atomic>

#include "core/section.h"
#include "cpu/attention/block.h"
#include "moesaic/device.h"

namespace msc::cpu {
namespace {

// Below this many multiply-adds a call runs on the caller's thread: waking the pool costs more (about 2 us).
constexpr double kInlineWork = 120e3;
// Pieces per thread that a batch is cut into at least, so that uneven pieces still end together.
constexpr int64_t kPiecesPerThread = 6;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Query tokens of one sequence, as every KV head sees them.
struct TokenBlock {
  int64_t sequence;
  int64_t first_token;
  int64_t num_tokens;
  int64_t first_position;
  int64_t num_keys;  // positions [0, num_keys) that some token sees
  int64_t chunk_begin;
  int64_t chunk_end;
};

/// One unit of work: some chunks of one block and the query heads of one group.
struct Piece {
  AttentionBlock block;
  std::atomic<uint32_t>* pieces_left;  // of this block and head; NULL if the block is in one piece
  int64_t block_chunk_begin;
  int64_t block_chunk_end;
};

/// The plan of a call.
class AttentionSection {
 public:
  AttentionSection(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const AttentionTask& task)
      : batch_(batch),
        cache_(cache),
        layout_(cache.layout),
        task_(task),
        kernels_(layout_.is_latent() ? latent_kernels(stream.device->isa) : attention_kernels(stream.device->isa)),
        heads_per_kv_head_(task.num_q_heads / cache.layout.num_kv_heads),
        block_tokens_(std::max<int64_t>(
            1, kernels_.max_block_rows / (divide_up(heads_per_kv_head_, kernels_.head_tile) * kernels_.head_tile))) {
    measure();
    if (num_blocks_ == 0) {
      return;
    }
    num_threads_ = work_ > kInlineWork ? stream.device->pool.num_threads() : 1;
    choose_groups();
    choose_span();
    take_scratch(stream);
    make_pieces();
  }

  bool is_alone() const { return num_threads_ == 1; }

  void work(unsigned thread) {
    float* scratch = thread_scratch_ + (thread_floats_ + 15) / 16 * 16 * (is_alone() ? 0 : thread);
    for (int64_t i; (i = next_piece_.fetch_add(1, std::memory_order_relaxed)) < num_pieces_;) {
      Piece& piece = pieces_[i];
      piece.block.scratch = scratch;
      kernels_.run(piece.block);
      // Whoever ends a block's last piece folds its chunks, always from left to right.
      if (piece.pieces_left != nullptr && piece.pieces_left->fetch_sub(1, std::memory_order_acq_rel) == 1) {
        piece.block.chunk_begin = piece.block_chunk_begin;
        piece.block.chunk_end = piece.block_chunk_end;
        kernels_.combine(piece.block);
      }
    }
  }

 private:
  /// Calls f for every token block; those with the most positions of a sequence first.
  template <class F>
  void for_each_block(F&& f) const {
    for (int64_t s = 0; s < batch_.num_sequences; ++s) {
      const int64_t begin = batch_.query_offsets[static_cast<size_t>(s)];
      const int64_t end = batch_.query_offsets[static_cast<size_t>(s) + 1];
      for (int64_t last = end; last > begin;) {
        const int64_t first = begin + (last - 1 - begin) / block_tokens_ * block_tokens_;
        const int64_t position = batch_.positions[static_cast<size_t>(first)];
        const int64_t seen_from = task_.window > 0 ? std::max<int64_t>(0, position - task_.window + 1) : 0;
        const int64_t num_keys = task_.causal ? position + last - first : batch_.key_length(layout_.group, s);
        f(TokenBlock{s, first, last - first, position, num_keys, seen_from / kAttentionChunk,
                     (num_keys - 1) / kAttentionChunk + 1});
        last = first;
      }
    }
  }

  void measure() {
    for_each_block([&](const TokenBlock& block) {
      const int64_t chunks = block.chunk_end - block.chunk_begin;
      const int64_t seen = std::min(block.num_keys, chunks * kAttentionChunk);
      ++num_blocks_;
      num_chunks_ += chunks;
      max_tokens_ = std::max(max_tokens_, block.num_tokens);
      work_ += static_cast<double>(block.num_tokens * task_.num_q_heads) * static_cast<double>(seen) *
               static_cast<double>(layout_.k_width + layout_.v_width);
    });
  }

  /// A group is the query heads of a KV head. Those of a latent cache, all of one KV head, are cut into groups that fill
  /// a block; into smaller ones while threads would have nothing to do.
  void choose_groups() {
    group_size_ = heads_per_kv_head_;
    num_groups_ = layout_.num_kv_heads;
    if (!layout_.is_latent()) {
      return;
    }
    const int64_t tile = kernels_.head_tile;
    const int64_t wanted = num_threads_ == 1 ? 1 : num_threads_ * kPiecesPerThread;
    group_size_ = kernels_.max_block_rows;
    while (group_size_ > tile && num_chunks_ * divide_up(task_.num_q_heads, group_size_) < wanted) {
      group_size_ = divide_up(group_size_ / 2, tile) * tile;
    }
    group_size_ = std::min(group_size_, heads_per_kv_head_);
    num_groups_ = divide_up(task_.num_q_heads, group_size_);
  }

  int64_t heads_of(int64_t group) const { return std::min(group_size_, task_.num_q_heads - group * group_size_); }

  void choose_span() {
    const int64_t wanted = num_threads_ * kPiecesPerThread;
    const int64_t heads = num_groups_;
    span_ = num_threads_ == 1 || num_blocks_ * heads >= wanted ? INT64_MAX
                                                                : std::max<int64_t>(1, num_chunks_ * heads / wanted);
  }

  int64_t pieces_of(const TokenBlock& block) const {
    const int64_t chunks = block.chunk_end - block.chunk_begin;
    return span_ >= chunks ? 1 : (chunks + span_ - 1) / span_;
  }

  void take_scratch(msc_stream& stream) {
    for_each_block([&](const TokenBlock& block) {
      const int64_t pieces = pieces_of(block);
      num_pieces_ += pieces * num_groups_;
      if (pieces > 1) {
        num_counters_ += num_groups_;
        partial_floats_ += num_groups_ * (block.chunk_end - block.chunk_begin) *
                           kernels_.partial_floats(layout_, block.num_tokens, group_size_);
      }
    });
    thread_floats_ = kernels_.scratch_floats(layout_, max_tokens_, group_size_);
    const auto aligned = [](uint64_t bytes) { return (bytes + 63) / 64 * 64; };
    const uint64_t thread_bytes = aligned(static_cast<uint64_t>(thread_floats_) * sizeof(float)) * num_threads_;
    const uint64_t partial_bytes = aligned(static_cast<uint64_t>(partial_floats_) * sizeof(float));
    const uint64_t piece_bytes = aligned(static_cast<uint64_t>(num_pieces_) * sizeof(Piece));
    const uint64_t counter_bytes = static_cast<uint64_t>(num_counters_) * sizeof(std::atomic<uint32_t>);
    std::byte* base = stream.scratch(thread_bytes + partial_bytes + piece_bytes + counter_bytes);
    thread_scratch_ = reinterpret_cast<float*>(base);
    partials_ = reinterpret_cast<float*>(base + thread_bytes);
    pieces_ = reinterpret_cast<Piece*>(base + thread_bytes + partial_bytes);
    counters_ = reinterpret_cast<std::atomic<uint32_t>*>(base + thread_bytes + partial_bytes + piece_bytes);
  }

  void make_pieces() {
    int64_t next = 0;
    float* partials = partials_;
    std::atomic<uint32_t>* counter = counters_;
    for_each_block([&](const TokenBlock& block) {
      for (int64_t group = 0; group < num_groups_; ++group) {
        Piece piece{block_of(block, group), nullptr, block.chunk_begin, block.chunk_end};
        const int64_t count = pieces_of(block);
        if (count == 1) {
          new (&pieces_[next++]) Piece(piece);
          continue;
        }
        piece.pieces_left = new (counter++) std::atomic<uint32_t>(static_cast<uint32_t>(count));
        piece.block.partials = partials;
        partials += (block.chunk_end - block.chunk_begin) *
                    kernels_.partial_floats(layout_, block.num_tokens, piece.block.group_size);
        for (int64_t chunk = block.chunk_begin; chunk < block.chunk_end; chunk += span_) {
          piece.block.chunk_begin = chunk;
          piece.block.chunk_end = std::min(chunk + span_, block.chunk_end);
          new (&pieces_[next++]) Piece(piece);
        }
      }
    });
  }

  AttentionBlock block_of(const TokenBlock& tokens, int64_t group) const {
    AttentionBlock block{};
    block.q = task_.q.row(tokens.first_token) + group * group_size_ * layout_.k_width;
    block.q_token_stride = task_.q.stride;
    block.num_tokens = tokens.num_tokens;
    block.group_size = heads_of(group);
    block.first_position = tokens.first_position;
    block.window = task_.window;
    block.num_keys = task_.causal ? 0 : tokens.num_keys;
    block.scale = task_.scale;
    block.layout = &layout_;
    block.cache = cache_.memory.data() + layout_.block_offset(0, task_.layer, layout_.is_latent() ? 0 : group);
    block.pages = batch_.pages(layout_.group, tokens.sequence);
    block.chunk_begin = tokens.chunk_begin;
    block.chunk_end = tokens.chunk_end;
    block.out = task_.out.row(tokens.first_token) + group * group_size_ * layout_.v_width;
    block.out_token_stride = task_.out.stride;
    block.sinks = task_.sinks == nullptr ? nullptr : task_.sinks + group * group_size_;
    if (task_.bias) {
      block.bias = task_.bias.row(group * group_size_);
      block.bias_stride = task_.bias.stride;
      block.bias_reach = task_.bias.cols / 2;
    }
    block.partials_first_chunk = tokens.chunk_begin;
    return block;
  }

  const msc_batch& batch_;
  const msc_kv_cache& cache_;
  const KvLayout& layout_;
  const AttentionTask task_;
  const AttentionKernels& kernels_;
  const int64_t heads_per_kv_head_;
  const int64_t block_tokens_;

  int64_t num_blocks_ = 0;
  int64_t num_chunks_ = 0;
  int64_t max_tokens_ = 0;
  int64_t group_size_ = 0;  // the last group of a latent cache may have fewer heads
  int64_t num_groups_ = 0;
  double work_ = 0;
  unsigned num_threads_ = 1;
  int64_t span_ = INT64_MAX;
  int64_t num_pieces_ = 0;
  int64_t num_counters_ = 0;
  int64_t partial_floats_ = 0;
  int64_t thread_floats_ = 0;
  float* thread_scratch_ = nullptr;
  float* partials_ = nullptr;
  Piece* pieces_ = nullptr;
  std::atomic<uint32_t>* counters_ = nullptr;
  alignas(64) std::atomic<int64_t> next_piece_{0};
};

}  // namespace

const AttentionKernels& attention_kernels(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return attention_kernels_avx512();
  }
  if (isa == MSC_ISA_AVX2) {
    return attention_kernels_avx2();
  }
#endif
  static_cast<void>(isa);
  return attention_kernels_portable();
}

const AttentionKernels& latent_kernels(int32_t isa) {
#if defined(__x86_64__)
  if (isa == MSC_ISA_AVX512) {
    return latent_kernels_avx512();
  }
  if (isa == MSC_ISA_AVX2) {
    return latent_kernels_avx2();
  }
#endif
  static_cast<void>(isa);
  return latent_kernels_portable();
}

void attention(msc_stream& stream, const msc_batch& batch, const msc_kv_cache& cache, const AttentionTask& task) {
  run_section<AttentionSection>(stream, batch, cache, task);
}

}  // namespace msc::cpu
