#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cuda/attention/attention.h"

namespace msc::cuda {

/// What of a model decides on attention's work; the same for all layers of a cache's group.
struct AttentionShape {
  int64_t num_q_heads;
  int64_t num_kv_heads;
  int64_t window;  // 0: all
  bool causal;
  bool tree;       // causal, with params.tree
};

/// Host arrays of one step.
struct AttentionBatch {
  int64_t num_sequences;
  const int32_t* query_offsets;    // [num_sequences + 1]: sequence s owns tokens [offsets[s], offsets[s + 1])
  const int32_t* first_positions;  // [num_sequences]: of its first token; the others follow
  const int32_t* key_lengths;      // [num_sequences] or NULL: positions that bidirectional attention sees; 0: all so far
};

/// Items in the order of their workers.
struct AttentionList {
  std::vector<AttentionItem> items;
  std::vector<int32_t> begin;  // [workers + 1]
};

/// Cuts a step's attention into items and spreads them over workers, longest first. Where a row's positions are cut never
/// depends on this: splits lie at multiples of kAttentionSplit. Keeps its memory, so that a steady step takes none.
class AttentionSchedule {
 public:
  AttentionSchedule(const AttentionShape& shape, const AttentionPlan& plan, unsigned processors);

  /// Throws Error (bad argument) naming what contradicts itself.
  void make(const AttentionBatch& batch);

  const AttentionList& warp_list() const { return warp_; }
  const AttentionList& block_list() const { return block_; }
  const AttentionList& combine_list() const { return combine_; }
  /// Rows that params.work.partials needs.
  int64_t partial_rows() const { return partial_rows_; }
  /// Kernels without any item have no blocks.
  AttentionGrid grid() const;

 private:
  struct Job {
    AttentionItem item;
    int32_t cost;  // tiles
    int32_t worker;
  };
  template <class F>
  void for_each_row_tile(const AttentionBatch& batch, F&& f) const;
  void add(const AttentionItem& whole, bool by_warp, int64_t pieces);
  void spread(std::vector<Job>& jobs, int64_t workers, AttentionList& list);

  AttentionShape shape_;
  AttentionGrid most_;
  int64_t warp_workers_;
  int64_t group_;  // query heads of a KV head
  int64_t partial_rows_ = 0;
  AttentionList warp_;
  AttentionList block_;
  AttentionList combine_;
  std::vector<Job> warp_jobs_;
  std::vector<Job> block_jobs_;
  std::vector<Job> combine_jobs_;
  std::vector<std::pair<int64_t, int32_t>> loads_;
  std::vector<int32_t> next_;
};

}  // namespace msc::cuda
