#pragma once

#include <cmath>
#include <cstdint>

#include "cpu/sampling/kernels.h"
#include "cpu/vec/math.h"

namespace msc::cpu {

template <class S>
class SamplingKernel {
 public:
  static LogitStats argmax(const float* logits, int64_t count) { return scan<false>(logits, count); }
  static LogitStats stats(const float* logits, int64_t count) { return scan<true>(logits, count); }

  static void clean(const float* logits, int64_t count, float* target) {
    int64_t i = 0;
    for (; i + S::kLanes <= count; i += S::kLanes) {
      S::store(target + i, cleaned(S::load(logits + i)));
    }
    for (; i < count; ++i) {
      target[i] = cleaned(logits[i]);
    }
  }

  static void weigh(const float* logits, int64_t count, float greatest, float temperature, uint64_t* weights) {
    constexpr int64_t kBlock = 256;
    float block[kBlock];
    for (int64_t begin = 0; begin < count; begin += kBlock) {
      const int64_t size = count - begin < kBlock ? count - begin : kBlock;
      for (int64_t i = 0; i < kBlock; ++i) {
        block[i] = i < size ? logits[begin + i] : greatest;
      }
      for (int64_t i = 0; i < kBlock; i += S::kLanes) {
        const Vec x = S::div(S::sub(S::load(block + i), S::set1(greatest)), S::set1(temperature));
        S::store(block + i, S::mul(exp<S>(x), S::set1(0x1p40f)));
      }
      for (int64_t i = 0; i < size; ++i) {
        weights[begin + i] = static_cast<uint64_t>(static_cast<int64_t>(block[i]));
      }
    }
  }

  static int64_t collect(const float* logits, int64_t begin, int64_t count, float threshold, Candidate* candidates,
                         int64_t* num_candidates, int64_t capacity) {
    int64_t found = *num_candidates;
    const Vec limit = S::set1(threshold);
    int64_t i = begin;
    for (; i + S::kLanes <= count && found + S::kLanes <= capacity; i += S::kLanes) {
      for (unsigned above = S::greater_mask(S::load(logits + i), limit); above != 0; above &= above - 1) {
        const int64_t id = i + __builtin_ctz(above);
        candidates[found++] = {cleaned(logits[id]), static_cast<int32_t>(id)};
      }
    }
    if (i + S::kLanes > count) {
      for (; i < count && found < capacity; ++i) {
        if (logits[i] > threshold) {
          candidates[found++] = {cleaned(logits[i]), static_cast<int32_t>(i)};
        }
      }
    }
    *num_candidates = found;
    return i;
  }

 private:
  using Vec = typename S::Vec;
  static constexpr float kGreatestFinite = 3.40282347e+38f;
  static constexpr float kLowest = -__builtin_inff();

  static Vec cleaned(Vec x) { return S::nan_to_lowest(S::min(S::set1(kGreatestFinite), x)); }
  static float cleaned(float x) { return x != x ? kLowest : x > kGreatestFinite ? kGreatestFinite : x; }

  /// Blocks that stay in the first-level cache: their greatest logit is found, then their part of the sum is added
  /// relative to the greatest so far.
  template <bool WithSum>
  static LogitStats scan(const float* logits, int64_t count) {
    constexpr int64_t kBlock = 2048;
    float tail[kBlock];
    LogitStats stats = {kLowest, -1, 0.0};
    int64_t best_block = 0;
    for (int64_t begin = 0; begin < count; begin += kBlock) {
      const float* block = logits + begin;
      if (count - begin < kBlock) {
        for (int64_t i = 0; i < kBlock; ++i) {
          tail[i] = begin + i < count ? block[i] : kLowest;
        }
        block = tail;
      }
      Vec top[4] = {S::set1(kLowest), S::set1(kLowest), S::set1(kLowest), S::set1(kLowest)};
      for (int64_t i = 0; i < kBlock; i += 4 * S::kLanes) {
        for (int v = 0; v < 4; ++v) {
          // The second operand stays where the first is NaN; NaN is never loaded into `top`.
          top[v] = S::max(S::load(block + i + v * S::kLanes), top[v]);
        }
      }
      const float greatest = cleaned(S::reduce_max(S::max(S::max(top[0], top[1]), S::max(top[2], top[3]))));
      if (greatest > stats.greatest) {
        if (WithSum) {
          stats.sum *= std::exp(static_cast<double>(stats.greatest) - static_cast<double>(greatest));
        }
        stats.greatest = greatest;
        best_block = begin;
      }
      if (WithSum && stats.greatest > kLowest) {
        typename S::DoubleSum sum;
        const Vec shift = S::set1(stats.greatest);
        for (int64_t i = 0; i < kBlock; i += S::kLanes) {
          sum.add(exp<S>(S::sub(cleaned(S::load(block + i)), shift)));
        }
        stats.sum += sum.total();
      }
    }
    if (stats.greatest > kLowest) {
      int64_t id = best_block;
      while (cleaned(logits[id]) != stats.greatest) {
        ++id;
      }
      stats.id = static_cast<int32_t>(id);
    }
    return stats;
  }
};

template <class S>
const SamplingKernels& sampling_kernels_of() {
  using K = SamplingKernel<S>;
  static constexpr SamplingKernels kKernels = {K::argmax, K::stats, K::clean, K::weigh, K::collect};
  return kKernels;
}

}  // namespace msc::cpu
