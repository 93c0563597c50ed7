#pragma once

#include "cuda/device/element.h"
#include "cuda/linear/linear_pair.h"
#include "cuda/sampling/masked_head.h"

namespace msc::cuda {

inline constexpr int kHeadFeatures = 2 * kTileRows;  // of a block: a pair of tiles, as multiply_step wants them

/// Bytes of a warp's part of shared memory: codes and scales of two tiles, one step of inputs for eight rows.
inline constexpr int kHeadScaleBytes = 4 * 2 * kTileRows * 4;  // 4 groups of a step, with corrections, float32
template <WeightCode kCode>
inline constexpr int kHeadStageBytes = 2 * step_bytes_of(kCode) + 2 * kHeadScaleBytes + 8 * kInputRowBytes;

/// Of a lane's 16 bytes of two tiles, what row g has of one and row g + 8 has of the other becomes a lane's part of a new
/// tile. `upper`: the row is among the upper eight of its tile.
template <WeightCode kCode>
__device__ __forceinline__ uint4 join_rows(uint4 low, bool low_upper, uint4 high, bool high_upper) {
  if constexpr (kCode == WeightCode::kBf16) {
    return {low_upper ? low.y : low.x, high_upper ? high.y : high.x, low_upper ? low.w : low.z, high_upper ? high.w : high.z};
  } else {
    constexpr bool kNibble = kCode == WeightCode::kU4;
    constexpr uint32_t kEven = kNibble ? 0x0F0F0F0Fu : 0x0000FFFFu;
    constexpr int kUnit = kNibble ? 4 : 16;
    const auto join = [&](uint32_t a, uint32_t b) {
      return ((low_upper ? a >> kUnit : a) & kEven) | ((high_upper ? b : b << kUnit) & ~kEven);
    };
    return {join(low.x, high.x), join(low.y, high.y), join(low.z, high.z), join(low.w, high.w)};
  }
}

/// A block has one row of the input and up to 32 of its features, gathered to a pair of weight tiles; each warp a slice of K.
template <WeightCode kCode>
__global__ void __launch_bounds__(kSlices * 32, 4) masked_head_kernel(const __grid_constant__ MaskedHeadParams params,
                                                                      unsigned blocks_of_row) {
  constexpr int kCodeBytes = step_bytes_of(kCode);
  MSC_SHARED_DYNAMIC(unsigned char, shared);
  MSC_SHARED(int32_t, features, kHeadFeatures);
  MSC_SHARED(float, partial, kSlices * kHeadFeatures);
  const int thread = static_cast<int>(threadIdx.x);
  const int warp = thread / 32;
  const int lane = thread % 32;
  const int64_t r = blockIdx.x / blocks_of_row;
  const int first = static_cast<int>(blockIdx.x % blocks_of_row) * kHeadFeatures;
  const int count = params.counts[r];
  if (first >= count || count > params.capacity) {
    return;
  }
  const int in_block = count - first < kHeadFeatures ? count - first : kHeadFeatures;
  if (thread < kHeadFeatures) {
    // The tile is filled up with a feature that exists; what comes of it goes nowhere.
    features[thread] = params.ids[r * params.capacity + first + (thread < in_block ? thread : 0)];
  }
  __syncthreads();

  const TiledLayout& layout = params.head.layout;
  const auto* const weight = static_cast<const unsigned char*>(params.head.weight);
  unsigned char* const codes = shared + warp * kHeadStageBytes<kCode>;
  unsigned char* const scales = codes + 2 * kCodeBytes;
  unsigned char* const inputs = scales + 2 * kHeadScaleBytes;
  const auto tile_bytes = layout.steps * layout.step_bytes;
  const unsigned char* from[2][2];  // of a tile's row g and row g + 8, at the lane's place
  bool upper[2][2];
#pragma unroll
  for (int m = 0; m < 2; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int feature = features[m * kTileRows + lane / 4 + 8 * half];
      upper[m][half] = feature % kTileRows >= 8;
      from[m][half] = weight + feature / kTileRows * tile_bytes + (feature % 8 * 4 + lane % 4) * 16;
    }
  }
  const auto group_cols = static_cast<int>(layout.format.group_cols);
  const int groups_of_step = group_cols == 0 || group_cols >= kStepCols ? 1 : kStepCols / group_cols;
  const int number_bytes = layout.format.scale == ScaleType::kF16 ? 2 : 4;
  const int numbers = layout.format.correction == Correction::kNone ? kTileRows : 2 * kTileRows;  // of a group of a tile
  const StepScales view = scales_in(params.head, scales, kHeadScaleBytes);
  const auto* const input = static_cast<const unsigned char*>(params.input) + r * params.input_stride * 2;
  for (int i = lane; i < 8 * kInputRowBytes / 16; i += 32) {
    reinterpret_cast<uint4*>(inputs)[i] = uint4{0, 0, 0, 0};
  }
  __syncwarp();

  float sum[2][1][4] = {};
  const int end = slice_begin(warp + 1, static_cast<int>(layout.steps));
  for (int step = slice_begin(warp, static_cast<int>(layout.steps)); step < end; ++step) {
#pragma unroll
    for (int m = 0; m < 2; ++m) {
#pragma unroll
      for (int i = 0; i < kCodeBytes / 512; ++i) {
        const int64_t at = static_cast<int64_t>(step) * kCodeBytes + i * 512;
        reinterpret_cast<uint4*>(codes + m * kCodeBytes)[i * 32 + lane] =
            join_rows<kCode>(*reinterpret_cast<const uint4*>(from[m][0] + at), upper[m][0],
                             *reinterpret_cast<const uint4*>(from[m][1] + at), upper[m][1]);
      }
    }
    if constexpr (kCode != WeightCode::kBf16) {
      const int64_t group = group_cols < kStepCols ? static_cast<int64_t>(step) * groups_of_step : step * kStepCols / group_cols;
      for (int i = lane; i < 2 * groups_of_step * numbers; i += 32) {
        const int m = i / (groups_of_step * numbers);
        const int g = i / numbers % groups_of_step;
        const int number = i % numbers;
        const int feature = features[m * kTileRows + number % kTileRows];
        const unsigned char* const source = weight + layout.scales_offset +
                                            (feature / kTileRows * layout.groups + group + g) * layout.group_bytes +
                                            (number / kTileRows * kTileRows + feature % kTileRows) * number_bytes;
        unsigned char* const to = scales + m * kHeadScaleBytes + g * layout.group_bytes + number * number_bytes;
        if (number_bytes == 4) {
          *reinterpret_cast<uint32_t*>(to) = *reinterpret_cast<const uint32_t*>(source);
        } else {
          *reinterpret_cast<uint16_t*>(to) = *reinterpret_cast<const uint16_t*>(source);
        }
      }
    }
    if (lane < 8) {
      const int64_t column = static_cast<int64_t>(step) * kStepCols + lane * 8;
      reinterpret_cast<uint4*>(inputs)[lane] =
          column < layout.cols ? *reinterpret_cast<const uint4*>(input + column * 2) : uint4{0, 0, 0, 0};
    }
    __syncwarp();
    uint32_t a[2][4][4];
    load_weights<kCode>(codes, nibble_zero(params.head), a[0]);
    load_weights<kCode>(codes + kCodeBytes, nibble_zero(params.head), a[1]);
    multiply_step<kCode, 1>(a, inputs, view, sum);
    __syncwarp();
  }
  if (lane % 4 == 0) {
#pragma unroll
    for (int m = 0; m < 2; ++m) {
      partial[warp * kHeadFeatures + m * kTileRows + lane / 4] = sum[m][0][0];
      partial[warp * kHeadFeatures + m * kTileRows + lane / 4 + 8] = sum[m][0][2];
    }
  }
  __syncthreads();
  if (thread < in_block) {
    float total = partial[thread];
#pragma unroll
    for (int s = 1; s < kSlices; ++s) {
      total += partial[s * kHeadFeatures + thread];
    }
    const int feature = features[thread];
    const float y = params.head.bias == nullptr ? total : total + params.head.bias[feature];
    const int64_t at = r * params.head.out_stride + feature;
    if (params.out_type == ElementType::kF32) {
      static_cast<float*>(params.head.out)[at] = y;
    } else {
      store(static_cast<Bf16*>(params.head.out) + at, y);
    }
  }
}

}  // namespace msc::cuda
