#pragma once

#include "cuda/attention/layout.h"
#include "cuda/device/mma.h"
#include "cuda/device/reduce.h"

namespace msc::cuda {

/// Column of the values that element `i` (0, 1) of the pair a lane holds of product `n` belongs to. A load of 8-bit
/// values brings two columns at once, of which the even ones go to even products.
template <KvType kType>
__device__ __forceinline__ int value_column(int n, int i, int lane) {
  if constexpr (kType == KvType::kBf16) {
    return n * 8 + lane % 4 * 2 + i;
  } else {
    return n / 2 * 16 + lane % 4 * 4 + i * 2 + n % 2;
  }
}

/// Where channel `i` of a query lies in its row. A load of 8-bit keys brings a lane four consecutive channels, which stand
/// for channels 2t, 2t + 1, 2t + 8 and 2t + 9 of 16: the queries are permuted alike.
template <KvType kType>
__device__ __forceinline__ int query_place(int i) {
  if constexpr (kType == KvType::kBf16) {
    return i;
  } else {
    const int in_16 = i % 16;
    return i - in_16 + in_16 / 4 * 2 + in_16 % 2 + in_16 % 4 / 2 * 8;
  }
}

/// Bytes kFirst and kSecond of a word of 8-bit elements, exactly.
template <KvType kType, int kFirst, int kSecond>
__device__ __forceinline__ uint32_t bf16_of_bytes(uint32_t word) {
  if constexpr (kType == KvType::kI8) {
    // 2^23 + (x + 128) as float32 bits, less 2^23 + 128; the upper halves of the differences are bfloat16.
    const uint32_t shifted = word ^ 0x80808080u;
    const float first = __uint_as_float(__byte_perm(shifted, 0x4B000000u, 0x7440u + kFirst)) - 8388736.0f;
    const float second = __uint_as_float(__byte_perm(shifted, 0x4B000000u, 0x7440u + kSecond)) - 8388736.0f;
    return __byte_perm(__float_as_uint(first), __float_as_uint(second), 0x7632u);
  } else {
    // Exponent and mantissa in bfloat16's places are 2^-120 times too small.
    constexpr uint32_t kTwoTo120 = 0x7B807B80u;
    const uint32_t halves = __byte_perm(word, 0, 0x0404u | kFirst << 4 | kSecond << 12);
    return bf16_pair_product((halves & 0x80008000u) | (halves & 0x7F007F00u) >> 4, kTwoTo120);
  }
}

/// A warp's 16 queries as left operands: in registers while they leave room for the rest, else loaded each time.
template <int kWidth>
class Queries {
 public:
  static constexpr bool kHeld = holds_queries(kWidth);

  /// @param rows the 16 rows in shared memory, which must stay there unless kHeld
  __device__ __forceinline__ Queries(const char* rows, int lane)
      : row_(rows + lane % 16 * query_pitch(kWidth) + lane / 16 * 16) {
    if constexpr (kHeld) {
#pragma unroll
      for (int k = 0; k < kWidth / 16; ++k) {
        load_matrix_x4(held_[k], row_ + k * 32);
      }
    }
  }
  __device__ __forceinline__ void load(int k, uint32_t (&a)[4]) const {
    if constexpr (kHeld) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        a[i] = held_[k][i];
      }
    } else {
      load_matrix_x4(a, row_ + k * 32);
    }
  }

 private:
  const char* row_;
  uint32_t held_[kHeld ? kWidth / 16 : 1][4];
};

/// s = q k^T of 16 queries and the tile's keys; s[n]: keys 8n to 8n + 7.
template <KvType kType, int kWidth>
__device__ __forceinline__ void score_tile(const Queries<kWidth>& queries, const char* keys, int lane,
                                           float (&s)[kTileKeys / 8][4]) {
  constexpr int kPitch = tile_pitch(kType, kWidth);
#pragma unroll
  for (int n = 0; n < kTileKeys / 8; ++n) {
    s[n][0] = s[n][1] = s[n][2] = s[n][3] = 0.0f;
  }
  // Registers in which queries are held have to be named; else few steps at a time leave room for wide values.
  [[maybe_unused]] constexpr int kSteps = holds_queries(kWidth) ? kWidth / 16 : 2;
#pragma unroll kSteps
  for (int k = 0; k < kWidth / 16; ++k) {
    uint32_t q[4];
    queries.load(k, q);
    if constexpr (kType == KvType::kBf16) {
#pragma unroll
      for (int n = 0; n < kTileKeys / 8; n += 2) {
        uint32_t b[4];
        load_matrix_x4(b, keys + (n * 8 + lane / 16 * 8 + lane % 8) * kPitch + k * 32 + lane / 8 % 2 * 16);
        const uint32_t first[2] = {b[0], b[1]};
        const uint32_t second[2] = {b[2], b[3]};
        mma_bf16_16x8x16(s[n], q, first);
        mma_bf16_16x8x16(s[n + 1], q, second);
      }
    } else {
      uint32_t codes[4];
      load_matrix_x4(codes, keys + lane * kPitch + k * 16);
#pragma unroll
      for (int n = 0; n < 4; ++n) {
        const uint32_t b[2] = {bf16_of_bytes<kType, 0, 1>(codes[n]), bf16_of_bytes<kType, 2, 3>(codes[n])};
        mma_bf16_16x8x16(s[n], q, b);
      }
    }
  }
}

/// acc += p v over the tile, by ascending position. p: as score_tile leaves scores.
template <KvType kType, int kWidth>
__device__ __forceinline__ void add_values(const float (&p)[kTileKeys / 8][4], const char* values, int lane,
                                           float (&acc)[kWidth / 8][4]) {
  constexpr int kPitch = tile_pitch(kType, kWidth);
  uint32_t a[kTileKeys / 16][4];
#pragma unroll
  for (int k = 0; k < kTileKeys / 16; ++k) {
    a[k][0] = bf16_pair(p[2 * k][0], p[2 * k][1]);
    a[k][1] = bf16_pair(p[2 * k][2], p[2 * k][3]);
    a[k][2] = bf16_pair(p[2 * k + 1][0], p[2 * k + 1][1]);
    a[k][3] = bf16_pair(p[2 * k + 1][2], p[2 * k + 1][3]);
  }
  if constexpr (kType == KvType::kBf16) {
#pragma unroll
    for (int k = 0; k < kTileKeys / 16; ++k) {
#pragma unroll
      for (int n = 0; n < kWidth / 8; n += 2) {
        uint32_t b[4];
        load_matrix_x4_transposed(b, values + (k * 16 + lane % 16) * kPitch + n * 16 + lane / 16 * 16);
        const uint32_t first[2] = {b[0], b[1]};
        const uint32_t second[2] = {b[2], b[3]};
        mma_bf16_16x8x16(acc[n], a[k], first);
        mma_bf16_16x8x16(acc[n + 1], a[k], second);
      }
    }
  } else {
    static_assert(kTileKeys == 32);
#pragma unroll
    for (int n = 0; n < kWidth / 8; n += 2) {
      uint32_t codes[4];
      load_matrix_x4_transposed(codes, values + lane * kPitch + n * 8);
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        const uint32_t even[2] = {bf16_of_bytes<kType, 0, 2>(codes[2 * k]), bf16_of_bytes<kType, 0, 2>(codes[2 * k + 1])};
        const uint32_t odd[2] = {bf16_of_bytes<kType, 1, 3>(codes[2 * k]), bf16_of_bytes<kType, 1, 3>(codes[2 * k + 1])};
        mma_bf16_16x8x16(acc[n], a[k], even);
        mma_bf16_16x8x16(acc[n + 1], a[k], odd);
      }
    }
  }
}

}  // namespace msc::cuda
