#pragma once

/// Products of small matrices by a whole warp, and loads of their operands (PTX ISA, "Matrix multiply-accumulate operation
/// using mma instruction" and "ldmatrix"). All lanes of the warp take part.
///
///   mma_bf16_16x8x16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])    D += A B, float32 sums
///   mma_e4m3_16x8x32(float (&d)[4], ...)                                               D += A B, float32 sums
///   mma_s8_16x8x32(int32_t (&d)[4], ...)                                               D += A B, wrapping sums
///   load_matrix_x4, load_matrix_x4_transposed(uint32_t (&r)[4], const void* shared_row)
///   load_matrix_x2(uint32_t (&r)[2], const void* shared_row)
///
/// With g = lane / 4, t = lane % 4 and e elements of a register (2 bfloat16, 4 bytes), the lowest in its lowest bits:
///   D [16, 8]    d[0], d[1]: row g, columns 2t and 2t + 1; d[2], d[3]: the same of row g + 8
///   A [16, 8 e]  a[0]: row g, k = e t ... e t + e - 1; a[1]: the same of row g + 8; a[2], a[3]: as a[0], a[1] at k + 4 e
///   B [8 e, 8]   b[0]: column g, k = e t ... e t + e - 1; b[1]: the same at k + 4 e
/// A load brings 8 rows of 16 bytes a matrix: lanes 8 i to 8 i + 7 give the addresses (multiples of 16, shared memory) of
/// the rows of matrix i. r[i] of a lane: bytes 4t to 4t + 3 of row g; transposed: the 2-byte elements g of rows 2t and
/// 2t + 1. So A is loaded from rows along k, B from columns along k, and B from rows along its columns transposed.
#include "mma_target.h"
