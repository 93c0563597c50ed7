#include "cuda/attention/schedule.h"

#include <algorithm>
#include <functional>

#include "cuda/attention/layout.h"
#include "cuda/device/plan.h"

namespace msc::cuda {
namespace {

// Blocks are given at least so many pieces of work each, if splits allow, so that they end together.
constexpr int64_t kPiecesOfBlock = 2;
constexpr unsigned kCombineBlocksOfProcessor = 4;
constexpr int kMaxTree = 64;

int32_t first_split(const AttentionItem& item) { return item.key_begin / kAttentionSplit; }
int32_t num_splits(const AttentionItem& item) { return (item.key_end - 1) / kAttentionSplit - first_split(item) + 1; }
int32_t num_tiles(const AttentionItem& item) { return (item.key_end - 1) / kTileKeys - item.key_begin / kTileKeys + 1; }

}  // namespace

AttentionSchedule::AttentionSchedule(const AttentionShape& shape, const AttentionPlan& plan, unsigned processors)
    : shape_(shape) {
  check_range(processors, 1, 4096, "attention: processors");
  check_range(shape.num_kv_heads, 1, 1 << 16, "attention: num_kv_heads");
  check_range(shape.num_q_heads, 1, 1 << 16, "attention: num_q_heads");
  check_range(shape.window, 0, INT32_MAX, "attention: window");
  MSC_CHECK_ARGUMENT(shape.num_q_heads % shape.num_kv_heads == 0, "attention: %lld query heads are no multiple of %lld KV heads",
                     static_cast<long long>(shape.num_q_heads), static_cast<long long>(shape.num_kv_heads));
  MSC_CHECK_ARGUMENT(shape.causal || (shape.window == 0 && !shape.tree),
                     "attention: bidirectional attention has no window and no tree");
  group_ = shape.num_q_heads / shape.num_kv_heads;
  most_ = {processors, processors * plan.blocks_of_processor, processors * kCombineBlocksOfProcessor};
  warp_workers_ = int64_t{processors} * plan.warps_of_block;
}

template <class F>
void AttentionSchedule::for_each_row_tile(const AttentionBatch& batch, F&& f) const {
  for (int64_t s = 0; s < batch.num_sequences; ++s) {
    const int32_t begin = batch.query_offsets[s];
    const int32_t tokens = batch.query_offsets[s + 1] - begin;
    const int32_t position = batch.first_positions[s];
    MSC_CHECK_ARGUMENT(tokens >= 0 && position >= 0 && position <= INT32_MAX - kAttentionSplit - tokens,
                       "attention: sequence %lld has %d tokens from position %d", static_cast<long long>(s), tokens, position);
    MSC_CHECK_ARGUMENT(!shape_.tree || tokens <= kMaxTree, "attention: a tree of %d tokens of sequence %lld, may have %d", tokens,
                       static_cast<long long>(s), kMaxTree);
    const int32_t given = shape_.causal || batch.key_lengths == nullptr ? 0 : batch.key_lengths[s];
    MSC_CHECK_ARGUMENT(given >= 0 && given <= INT32_MAX - kAttentionSplit, "attention: sequence %lld has a key length of %d",
                       static_cast<long long>(s), given);
    const int32_t num_keys = shape_.causal ? 0 : given > 0 ? given : position + tokens;
    const bool by_warp = tokens * group_ <= kWarpRows;
    const auto heads = static_cast<int32_t>(std::min<int64_t>(group_, by_warp ? kWarpRows : kBlockRows));
    const int32_t tokens_of_tile = (by_warp ? kWarpRows : kBlockRows) / heads;
    for (int32_t t = 0; t < tokens; t += tokens_of_tile) {
      const int32_t count = std::min(tokens_of_tile, tokens - t);
      for (int64_t head = 0; head < shape_.num_q_heads;) {
        // The last query heads of a group may be fewer.
        const int64_t end_of_group = (head / group_ + 1) * group_;
        const auto taken = static_cast<int32_t>(std::min<int64_t>(heads, end_of_group - head));
        AttentionItem item = {};
        item.sequence = static_cast<int32_t>(s);
        item.first_token = begin + t;
        item.num_rows = count * taken;
        item.heads = taken;
        item.first_head = static_cast<int32_t>(head);
        item.kv_head = static_cast<int32_t>(head / group_);
        item.first_position = position + t;
        item.num_keys = num_keys;
        item.key_begin = shape_.window > 0 ? static_cast<int32_t>(std::max<int64_t>(0, item.first_position - shape_.window + 1)) : 0;
        item.key_end = shape_.causal ? item.first_position + count : num_keys;
        item.partial_row = -1;
        item.tree_base = position;
        f(item, by_warp);
        head += taken;
      }
    }
  }
}

/// @param pieces that the item's splits are cut into at least, if a block takes it
void AttentionSchedule::add(const AttentionItem& whole, bool by_warp, int64_t pieces) {
  const int32_t splits = num_splits(whole);
  const int32_t run = by_warp ? 1 : std::max(1, static_cast<int32_t>(splits / pieces));
  std::vector<Job>& jobs = by_warp ? warp_jobs_ : block_jobs_;
  if (run >= splits) {
    jobs.push_back({whole, num_tiles(whole), 0});
    return;
  }
  MSC_CHECK_ARGUMENT(partial_rows_ <= INT32_MAX - int64_t{splits} * whole.num_rows,
                     "attention: a step's parts are more than %d rows; use fewer tokens a step", INT32_MAX);
  AttentionItem combined = whole;
  combined.partial_row = static_cast<int32_t>(partial_rows_);
  combine_jobs_.push_back({combined, splits, 0});
  partial_rows_ += int64_t{splits} * whole.num_rows;
  for (int32_t split = 0; split < splits; split += run) {
    AttentionItem item = combined;
    item.partial_row += split * whole.num_rows;
    item.key_begin = std::max(whole.key_begin, (first_split(whole) + split) * kAttentionSplit);
    item.key_end = std::min(whole.key_end, (first_split(whole) + std::min(split + run, splits)) * kAttentionSplit);
    jobs.push_back({item, num_tiles(item), 0});
  }
}

/// The longest jobs first, each to whoever has least to do (Graham 1969).
void AttentionSchedule::spread(std::vector<Job>& jobs, int64_t workers, AttentionList& list) {
  // Ties by place, so that the order is fixed; `worker` is the place until it is the worker.
  for (size_t i = 0; i < jobs.size(); ++i) {
    jobs[i].worker = static_cast<int32_t>(i);
  }
  std::sort(jobs.begin(), jobs.end(),
            [](const Job& a, const Job& b) { return a.cost != b.cost ? a.cost > b.cost : a.worker < b.worker; });
  // As long as all cost the same, taking turns is the same.
  size_t equal = 0;
  while (equal < jobs.size() && jobs[equal].cost == jobs[0].cost) {
    ++equal;
  }
  loads_.clear();
  for (int64_t w = 0; w < workers; ++w) {
    const auto turns = (static_cast<int64_t>(equal) - w + workers - 1) / workers;
    loads_.emplace_back(equal == 0 ? 0 : turns * jobs[0].cost, static_cast<int32_t>(w));
  }
  for (size_t i = 0; i < equal; ++i) {
    jobs[i].worker = static_cast<int32_t>(static_cast<int64_t>(i) % workers);
  }
  std::make_heap(loads_.begin(), loads_.end(), std::greater<>());
  for (size_t i = equal; i < jobs.size(); ++i) {
    std::pop_heap(loads_.begin(), loads_.end(), std::greater<>());
    jobs[i].worker = loads_.back().second;
    loads_.back().first += jobs[i].cost;
    std::push_heap(loads_.begin(), loads_.end(), std::greater<>());
  }
  list.begin.assign(static_cast<size_t>(workers) + 1, 0);
  for (const Job& job : jobs) {
    ++list.begin[static_cast<size_t>(job.worker) + 1];
  }
  for (size_t w = 0; w < static_cast<size_t>(workers); ++w) {
    list.begin[w + 1] += list.begin[w];
  }
  next_.assign(list.begin.begin(), list.begin.end());
  list.items.resize(jobs.size());
  for (const Job& job : jobs) {
    list.items[static_cast<size_t>(next_[static_cast<size_t>(job.worker)]++)] = job.item;
  }
}

void AttentionSchedule::make(const AttentionBatch& batch) {
  warp_jobs_.clear();
  block_jobs_.clear();
  combine_jobs_.clear();
  partial_rows_ = 0;
  int64_t block_tiles = 0;
  for_each_row_tile(batch, [&](const AttentionItem&, bool by_warp) { block_tiles += by_warp ? 0 : 1; });
  const int64_t pieces = block_tiles == 0 ? 1 : std::max<int64_t>(1, kPiecesOfBlock * most_.block_blocks / block_tiles);
  for_each_row_tile(batch, [&](const AttentionItem& item, bool by_warp) { add(item, by_warp, pieces); });
  spread(warp_jobs_, warp_workers_, warp_);
  spread(block_jobs_, most_.block_blocks, block_);
  spread(combine_jobs_, most_.combine_blocks, combine_);
}

AttentionGrid AttentionSchedule::grid() const {
  return {warp_.items.empty() ? 0 : most_.warp_blocks, block_.items.empty() ? 0 : most_.block_blocks,
          combine_.items.empty() ? 0 : most_.combine_blocks};
}

}  // namespace msc::cuda
