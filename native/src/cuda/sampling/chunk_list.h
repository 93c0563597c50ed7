#pragma once

#include "cuda/sampling/chunk.h"
#include "cuda/sampling/prefix_end.h"

namespace msc::cuda {

/// Places, in ascending order of columns, for what each thread has in its packs.
template <int kPacks>
struct PackPlaces {
  uint32_t first[kPacks];  // of the thread's own in each pack
  uint32_t total;

  /// `counts`: at most 8 a pack, so that the sums of a block fit 16 bits each.
  __device__ __forceinline__ PackPlaces(const uint32_t (&counts)[kPacks], Mass* spare) {
    static_assert(kPacks <= 4);
    Mass packed = 0;
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      packed |= static_cast<Mass>(counts[p]) << (16 * p);
    }
    Mass all = 0;
    const Mass before = block_sum_before(packed, spare, &all);
    total = 0;
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      first[p] = total + static_cast<uint32_t>(before >> (16 * p) & 0xFFFFu);
      total += static_cast<uint32_t>(all >> (16 * p) & 0xFFFFu);
    }
  }
};

/// Writes tokens of a chunk among which are its first k (1 to kListed) in the order of the filters, by ascending id and at
/// most kListed. @return how many.
template <class E>
__device__ uint32_t list_first(const float (&x)[kChunkItems], int begin, uint32_t k, SampleEntry* list, SelectShared& shared) {
  constexpr int kPacks = kChunkItems / kPack<E>;
  uint32_t keys[kChunkItems];
  uint32_t own = 0;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    keys[i] = logit_key(x[i]);
    own = keys[i] > own ? keys[i] : own;
  }
  const bool has_any = own > kLowestKey;
  const Mass num_threads = block_sum_of(static_cast<Mass>(has_any), shared.spare);
  if (num_threads == 0) {
    return 0;
  }
  // The k-th of the threads' greatest keys: at least k keys are no less, and seldom many more. 16 bits of it do.
  uint32_t limit = kLowestKey + 1;
  const auto greatest = static_cast<uint32_t>(block_greatest(static_cast<Mass>(own), shared.spare));
  if (num_threads > k) {
    const auto least = static_cast<uint32_t>(block_least(has_any ? static_cast<Mass>(own) : ~Mass{0}, shared.spare));
    limit = select_key(
                1,
                [&](int, const auto& add) {
                  if (has_any) {
                    add(own, 1);
                  }
                },
                least, greatest, k, 2, shared)
                .key;
    limit = limit > kLowestKey ? limit : kLowestKey + 1;
  }
  Mass count = 0;
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    count += keys[i] >= limit;
  }
  const Mass total = block_sum_of(count, shared.spare);
  // All above the threshold are listed, and of those that equal it the first `num_equal`.
  uint32_t threshold = limit - 1;
  uint32_t num_equal = 0;
  if (total > kListed) {
    const SelectedKey found = select_key(
        1,
        [&](int, const auto& add) {
#pragma unroll
          for (int i = 0; i < kChunkItems; ++i) {
            if (keys[i] >= limit) {
              add(keys[i], 1);
            }
          }
        },
        limit, greatest, k, 4, shared);
    threshold = found.key;
    num_equal = k - static_cast<uint32_t>(found.before);
  }
  uint32_t counts[kPacks] = {};
  uint32_t taken = 0;  // a bit for each item
  if (num_equal > 0) {
#pragma unroll
    for (int i = 0; i < kChunkItems; ++i) {
      counts[i / kPack<E>] += keys[i] == threshold;
    }
    const PackPlaces<kPacks> equals(counts, shared.spare);
#pragma unroll
    for (int p = 0; p < kPacks; ++p) {
      uint32_t place = equals.first[p];
      counts[p] = 0;
#pragma unroll
      for (int i = p * kPack<E>; i < (p + 1) * kPack<E>; ++i) {
        if (keys[i] == threshold) {
          taken |= static_cast<uint32_t>(place < num_equal) << i;
          ++place;
        }
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kChunkItems; ++i) {
    taken |= static_cast<uint32_t>(keys[i] > threshold) << i;
    counts[i / kPack<E>] += taken >> i & 1u;
  }
  const PackPlaces<kPacks> places(counts, shared.spare);
#pragma unroll
  for (int p = 0; p < kPacks; ++p) {
    uint32_t place = places.first[p];
#pragma unroll
    for (int i = p * kPack<E>; i < (p + 1) * kPack<E>; ++i) {
      if ((taken >> i & 1u) != 0) {
        list[place++] = {keys[i], begin + ChunkReader<E, false>::column(i)};
      }
    }
  }
  return places.total;
}

}  // namespace msc::cuda
