#pragma once

#include "cuda/device/element.h"
#include "cuda/device/reduce.h"
#include "cuda/rope/rope_append.h"

namespace msc::cuda {

/// Channel `i` of a head after the rotation. x: the head in shared memory.
__device__ __forceinline__ float rotated_channel(const float* x, int i, const float* table, int d, bool interleaved) {
  if (i >= d) {
    return x[i];
  }
  const int half = d / 2;
  const int pair = interleaved ? i / 2 : (i < half ? i : i - half);
  const bool is_first = interleaved ? i % 2 == 0 : i < half;
  const float first = x[interleaved ? 2 * pair : pair];
  const float second = x[interleaved ? 2 * pair + 1 : pair + half];
  const float cosine = table[pair];
  const float sine = table[half + pair];
  return is_first ? first * cosine - second * sine : second * cosine + first * sine;
}

/// A head into its place in the cache; `value(i)` is its channel i.
template <KvType kType, class Value>
__device__ __forceinline__ void append_head(char* elements, float* scale_of_token, int64_t slot, int width, int lane,
                                            const Value& value) {
  if constexpr (kType == KvType::kBf16) {
    auto* const row = reinterpret_cast<uint16_t*>(elements) + slot * width;
    for (int i = lane; i < width; i += kWarp) {
      row[i] = bf16_bits(value(i));
    }
  } else {
    constexpr float kLargest = kType == KvType::kI8 ? 127.0f : 448.0f;
    float largest = 0.0f;
    float poison = 0.0f;  // 0, or NaN if an element is not finite
    for (int i = lane; i < width; i += kWarp) {
      const float x = value(i);
      largest = fmaxf(largest, fabsf(x));
      poison += x * 0.0f;
    }
    const float scale = warp_max(largest) / kLargest + warp_sum(poison);
    // A scale of zero, too small to invert, or NaN: all elements become 0.
    const float inverse = 1.0f / scale;
    const float factor = inverse <= 3.0e38f ? inverse : 0.0f;
    if (lane == 0) {
      scale_of_token[slot] = scale;
    }
    auto* const row = reinterpret_cast<uint8_t*>(elements) + slot * width;
    for (int i = lane; i < width; i += kWarp) {
      const float x = factor == 0.0f ? 0.0f : value(i) * factor;
      row[i] = kType == KvType::kI8 ? static_cast<uint8_t>(int8_of(x)) : f8_e4m3_bits(x);
    }
  }
}

/// A warp's head into shared memory, normed where there is a weight.
template <class E>
__device__ __forceinline__ void fetch_head(const E* from, const float* norm, float eps, int width, int lane, float* x) {
  float sum = 0.0f;
  for (int i = lane; i < width; i += kWarp) {
    x[i] = load(from + i);
    sum = fmaf(x[i], x[i], sum);
  }
  if (norm != nullptr) {
    const float factor = 1.0f / sqrtf(warp_sum(sum) / static_cast<float>(width) + eps);
    for (int i = lane; i < width; i += kWarp) {
      x[i] = norm[i] * (x[i] * factor);
    }
  }
  __syncwarp();
}

template <class E, KvType kType>
__global__ void __launch_bounds__(kRopeWarps * kWarp) rope_append_kernel(RopeAppendParams params, unsigned blocks_of_token) {
  MSC_SHARED_DYNAMIC(float, heads);
  const KvPages& pages = params.pages;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t t = blockIdx.x / blocks_of_token;
  int64_t job = static_cast<int64_t>(blockIdx.x % blocks_of_token) * kRopeWarps + warp;
  if (job >= params.num_q_heads + 2 * pages.num_kv_heads) {
    return;
  }
  const int k_width = static_cast<int>(pages.k_width);
  const int v_width = static_cast<int>(pages.v_width);
  const int d = static_cast<int>(params.rotated);
  const float* const table = params.table + (d == 0 ? 0 : t * params.table_stride);
  float* const x = heads + warp * (k_width > v_width ? k_width : v_width);

  if (job < params.num_q_heads) {
    E* const q = static_cast<E*>(params.q) + t * params.q_stride + job * k_width;
    fetch_head(q, params.q_norm, params.norm_eps, k_width, lane, x);
    for (int i = lane; i < k_width; i += kWarp) {
      store(q + i, rotated_channel(x, i, table, d, params.interleaved));
    }
    return;
  }
  job -= params.num_q_heads;
  const bool is_key = job < pages.num_kv_heads;
  const int64_t head = is_key ? job : job - pages.num_kv_heads;
  const int64_t position = params.positions[t];
  const int64_t page =
      params.page_table[params.token_sequences[t] * params.page_table_stride + position / pages.page_tokens];
  const int64_t slot = position % pages.page_tokens;
  char* const block = static_cast<char*>(params.cache) + page * pages.page_bytes +
                      (params.layer * pages.num_kv_heads + head) * pages.head_bytes;
  if (is_key) {
    fetch_head(static_cast<const E*>(params.k) + t * params.k_stride + head * k_width, params.k_norm, params.norm_eps, k_width,
               lane, x);
    append_head<kType>(block, reinterpret_cast<float*>(block + pages.k_scale_offset), slot, k_width, lane,
                       [&](int i) { return rotated_channel(x, i, table, d, params.interleaved); });
  } else {
    const E* const v = static_cast<const E*>(params.v) + t * params.v_stride + head * v_width;
    append_head<kType>(block + pages.v_offset, reinterpret_cast<float*>(block + pages.v_scale_offset), slot, v_width, lane,
                       [&](int i) { return load(v + i); });
  }
}

}  // namespace msc::cuda
