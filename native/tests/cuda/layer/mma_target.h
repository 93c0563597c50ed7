#pragma once

// Tensor-core operations on the CPU; native/src/cuda/target/mma_target.h is the device's half.
#include "cuda_target.h"

namespace cuda_on_cpu {

/// A lane's registers of one product. Whoever arrives last computes it for all lanes.
struct MmaLane {
  void* d;
  const uint32_t* a;
  const uint32_t* b;
};
struct MatrixLane {
  const void* row;
  uint32_t* r;
};

void mma_bf16(void* const lanes[32], uint32_t mask);
void mma_s8(void* const lanes[32], uint32_t mask);
void mma_e4m3(void* const lanes[32], uint32_t mask);
/// Matrices `kCount` of a load, by rows or transposed.
template <int kCount, bool kTransposed>
void matrices(void* const lanes[32], uint32_t mask);
/// The running lane reads a row of a matrix: 16 bytes of shared memory.
void on_matrix_row(const void* row);

template <class D>
void mma(const char* operation, D (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], void (*apply)(void* const*, uint32_t)) {
  MmaLane lane{d, a, b};
  meet_in_warp(0xFFFFFFFFu, operation, &lane, apply, false);
}

template <int kCount, bool kTransposed>
void load_matrices(const char* operation, uint32_t (&r)[kCount], const void* row) {
  if (lane() < 8 * kCount) {
    on_matrix_row(row);
  }
  MatrixLane mine{row, r};
  meet_in_warp(0xFFFFFFFFu, operation, &mine, matrices<kCount, kTransposed>, false);
}

}  // namespace cuda_on_cpu

namespace msc::cuda {

inline void mma_bf16_16x8x16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  ::cuda_on_cpu::mma("mma_bf16_16x8x16", d, a, b, ::cuda_on_cpu::mma_bf16);
}
inline void mma_s8_16x8x32(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  ::cuda_on_cpu::mma("mma_s8_16x8x32", d, a, b, ::cuda_on_cpu::mma_s8);
}
inline void mma_e4m3_16x8x32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  ::cuda_on_cpu::mma("mma_e4m3_16x8x32", d, a, b, ::cuda_on_cpu::mma_e4m3);
}
inline void load_matrix_x4(uint32_t (&r)[4], const void* shared_row) {
  ::cuda_on_cpu::load_matrices<4, false>("load_matrix_x4", r, shared_row);
}
inline void load_matrix_x4_transposed(uint32_t (&r)[4], const void* shared_row) {
  ::cuda_on_cpu::load_matrices<4, true>("load_matrix_x4_transposed", r, shared_row);
}
inline void load_matrix_x2(uint32_t (&r)[2], const void* shared_row) {
  ::cuda_on_cpu::load_matrices<2, false>("load_matrix_x2", r, shared_row);
}

}  // namespace msc::cuda
