#pragma once

#include <cstdint>

/// One product of small matrices by one warp, its operands loaded in several ways.
namespace mma_kernels {

enum class Product : int32_t { kBf16, kS8, kE4m3 };

struct Params {
  const uint8_t* a;  // [16] rows of 32 bytes along k
  const uint8_t* b;  // [8] columns of 32 bytes along k; transposed: [16] rows of 16 bytes along the columns
  uint32_t* d;       // [16, 8] float32 or int32, added to
  Product product;
  int32_t fault;  // 0: none; what the others break is said at the launch
};

/// Each lane reads its elements itself, by the formulas of cuda/device/mma.h.
void launch_elementwise(const Params& params);
/// Through shared memory: A by load_matrix_x4, B by load_matrix_x2.
/// Faults: 1 a row's address that is no multiple of 16, 2 rows of global memory, 3 a lane that left before the load,
/// 4 a lane that left before the product, 5 no barrier between writes and load, 6 a row past the end, 7 rows never written,
/// 8 a lane makes another product,
/// 9 a row is overwritten with no barrier after the load.
void launch_loaded(const Params& params);
/// bfloat16 with B stored by rows, loaded by load_matrix_x4_transposed.
void launch_transposed(const Params& params);

}  // namespace mma_kernels
