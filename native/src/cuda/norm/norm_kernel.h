#pragma once

#include "cuda/device/element.h"
#include "cuda/device/reduce.h"
#include "cuda/norm/norm.h"
#include "cuda/quantize/quantize_row.h"

namespace msc::cuda {

/// One block a row. The row is read once and kept as float32 in shared memory, where each thread touches what it wrote
/// itself; sums run over packs of 8 elements in the same order whether memory is read in packs or one by one.
template <class E, bool kPacked, bool kLayerNorm, bool kQuantized>
__global__ void __launch_bounds__(512) norm_kernel(NormParams params) {
  constexpr int kStep = 8;
  MSC_SHARED_DYNAMIC(float, row);
  MSC_SHARED(float, partial, 64);
  const int64_t r = blockIdx.x;
  const E* const input = static_cast<const E*>(params.input) + r * params.input_stride;
  E* const residual = params.residual == nullptr ? nullptr : static_cast<E*>(params.residual) + r * params.residual_stride;
  const int cols = static_cast<int>(params.cols);
  const int first = static_cast<int>(threadIdx.x) * kStep;
  const int stride = static_cast<int>(blockDim.x) * kStep;

  float sum = 0.0f;
  for (int begin = first; begin < cols; begin += stride) {
    const int end = begin + kStep < cols ? begin + kStep : cols;
    if constexpr (kPacked) {
      for (int i = begin; i < end; i += kPack<E>) {
        float x[kPack<E>];
        load_pack(input + i, x);
        if (residual != nullptr) {
          float before[kPack<E>];
          load_pack(residual + i, before);
#pragma unroll
          for (int k = 0; k < kPack<E>; ++k) {
            x[k] += before[k];
          }
          store_pack(residual + i, x);
        }
#pragma unroll
        for (int k = 0; k < kPack<E>; ++k) {
          row[i + k] = x[k];
        }
      }
    } else {
      for (int i = begin; i < end; ++i) {
        float x = load(input + i);
        if (residual != nullptr) {
          x += load(residual + i);
          store(residual + i, x);
        }
        row[i] = x;
      }
    }
    for (int i = begin; i < end; ++i) {
      sum = kLayerNorm ? sum + row[i] : fmaf(row[i], row[i], sum);
    }
  }
  const float width = static_cast<float>(cols);
  float mean = 0.0f;
  sum = block_sum(sum, partial);
  if constexpr (kLayerNorm) {
    // The squares of what lies beside the mean, so that a large mean costs no digits of the variance.
    mean = sum / width;
    float squares = 0.0f;
    for (int begin = first; begin < cols; begin += stride) {
      for (int i = begin; i < begin + kStep && i < cols; ++i) {
        const float d = row[i] - mean;
        squares = fmaf(d, d, squares);
      }
    }
    sum = block_sum(squares, partial + 32);
  }
  const float factor = 1.0f / sqrtf(sum / width + params.eps);

  E* const out = static_cast<E*>(params.out) + r * params.out_stride;
  const auto normed = [&](int i) {
    const float scaled = params.weight[i] * ((row[i] - mean) * factor);
    return params.bias == nullptr ? scaled : scaled + params.bias[i];
  };
  if constexpr (kQuantized) {
    for (int begin = first; begin < cols; begin += stride) {
      for (int i = begin; i < begin + kStep && i < cols; ++i) {
        row[i] = normed(i);
        if (params.out != nullptr) {
          store(out + i, row[i]);
        }
      }
    }
    __syncthreads();
    const auto fetch = [&](int i, float (&x)[4]) {
#pragma unroll
      for (int k = 0; k < 4; ++k) {
        x[k] = i + k < cols ? row[i + k] : 0.0f;
      }
    };
    quantize_row(params.quantized, r, cols, fetch, reinterpret_cast<uint32_t*>(partial));
  } else {
    for (int begin = first; begin < cols; begin += stride) {
      const int end = begin + kStep < cols ? begin + kStep : cols;
      if constexpr (kPacked) {
        for (int i = begin; i < end; i += kPack<E>) {
          float x[kPack<E>] = {};
          if (params.accumulate) {
            load_pack(out + i, x);
          }
#pragma unroll
          for (int k = 0; k < kPack<E>; ++k) {
            x[k] = params.accumulate ? x[k] + normed(i + k) : normed(i + k);
          }
          store_pack(out + i, x);
        }
      } else {
        for (int i = begin; i < end; ++i) {
          const float x = normed(i);
          store(out + i, params.accumulate ? load(out + i) + x : x);
        }
      }
    }
  }
}

}  // namespace msc::cuda
