#pragma once

#include "cuda/sampling/mass_bins.h"
#include "cuda/sampling/sampling.h"
#include "cuda/sampling/weight.h"

namespace msc::cuda {

/// The last token of a prefix in the order of the filters: descending key, ties by the lower id.
struct PrefixEnd {
  uint32_t key;
  int32_t id;

  __device__ __forceinline__ bool holds(uint32_t other_key, int32_t other_id) const {
    return other_key > key || (other_key == key && other_id <= id);
  }
  __device__ __forceinline__ static PrefixEnd of_all() { return {0, 0x7FFFFFFF}; }
};

struct SelectShared {
  MassBins bins;
  Mass spare[kSampleWarps];
  Mass before;
  Mass here;
  uint32_t digit;
};

/// What a radix select found: `before` is the weight of greater keys, `here` that of the key (or, where the last bits were
/// not looked at, of all keys that share the others; those bits are 0).
struct SelectedKey {
  uint32_t key;
  Mass before;
  Mass here;
};

/// The greatest key such that keys from it up weigh at least `target`, by a histogram of 8 bits at a time, starting with the
/// first in which the keys differ at all. Sums are integers: the result is exact and has no order.
/// `each(tile, add)` calls add(key, weight) for the thread's items of a tile, at most kChunk a block; barriers in it must be
/// met by all. `target`: 1 to the weight of all; keys lie within [least, greatest].
template <class Each>
__device__ SelectedKey select_key(int num_tiles, const Each& each, uint32_t least, uint32_t greatest, Mass target, int max_rounds,
                                  SelectShared& shared) {
  // A thread owns one bin, in descending order, so that a scan over threads goes down the keys.
  const int own_bin = kSampleThreads - 1 - static_cast<int>(threadIdx.x);
  int bits = least == greatest ? 1 : 32 - __clz(least ^ greatest);
  uint32_t prefix = bits == 32 ? 0u : greatest >> bits << bits;
  SelectedKey found = {prefix, 0, 0};
  shared.bins.clear(own_bin);
  __syncthreads();
  for (int round = 0; round < max_rounds && bits > 0; ++round) {
    const int width = bits < 8 ? bits : 8;
    const int shift = bits - width;
    const uint32_t digits = (1u << width) - 1;
    Mass own = 0;
    for (int tile = 0; tile < num_tiles; ++tile) {
      each(tile, [&](uint32_t key, Mass weight) {
        if (static_cast<Mass>(key ^ prefix) >> bits == 0) {
          shared.bins.add(static_cast<int>(key >> shift & digits), weight);
        }
      });
      __syncthreads();
      own += shared.bins.take(own_bin);
      __syncthreads();
    }
    Mass all = 0;
    const Mass above = found.before + block_sum_before(own, shared.spare, &all);
    if (above < target && target <= above + own) {
      shared.digit = static_cast<uint32_t>(own_bin);
      shared.before = above;
      shared.here = own;
    }
    __syncthreads();
    prefix |= shared.digit << shift;
    found = {prefix, shared.before, shared.here};
    bits = shift;
    __syncthreads();
  }
  return found;
}

/// The shortest prefix of tokens that weighs at least `target`. `each(tile, add)`: as above, with add(key, id, weight); all
/// tokens of one key must weigh the same, as they do when they are counted (1) or weighed by their logit.
template <class Each>
__device__ PrefixEnd find_prefix_end(int num_tiles, const Each& each, uint32_t least, uint32_t greatest, Mass target,
                                     SelectShared& shared) {
  const SelectedKey found = select_key(
      num_tiles, [&](int tile, const auto& add) { each(tile, [&](uint32_t key, int32_t, Mass weight) { add(key, weight); }); },
      least, greatest, target, 4, shared);
  const Mass missing = target - found.before;
  if (missing == found.here) {
    return {found.key, 0x7FFFFFFF};
  }
  // A part of those with the key, the lowest ids first: descending order of ~id.
  const SelectedKey last = select_key(
      num_tiles,
      [&](int tile, const auto& add) {
        each(tile, [&](uint32_t key, int32_t id, Mass weight) {
          if (key == found.key) {
            add(~static_cast<uint32_t>(id), weight);
          }
        });
      },
      ~static_cast<uint32_t>(kMaxSampledVocab), ~0u, missing, 4, shared);
  return {found.key, static_cast<int32_t>(~last.key)};
}

}  // namespace msc::cuda
