#include "tests/cuda/mma_kernels.h"

#include "cuda/device/mma.h"

namespace mma_kernels {
namespace {

using msc::cuda::launch;

constexpr int kRowBytes = 48;  // of a row in shared memory, with padding
constexpr int kRowsOfA = 16;

__device__ __forceinline__ void multiply(const Params& params, const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const auto place = [&](int i) { return (g + i / 2 * 8) * 8 + 2 * t + i % 2; };
  if (params.product == Product::kS8 || (params.fault == 8 && threadIdx.x == 7)) {
    int32_t d[4];
    for (int i = 0; i < 4; ++i) {
      d[i] = static_cast<int32_t>(params.d[place(i)]);
    }
    msc::cuda::mma_s8_16x8x32(d, a, b);
    for (int i = 0; i < 4; ++i) {
      params.d[place(i)] = static_cast<uint32_t>(d[i]);
    }
    return;
  }
  float d[4];
  for (int i = 0; i < 4; ++i) {
    d[i] = __uint_as_float(params.d[place(i)]);
  }
  if (params.product == Product::kBf16) {
    msc::cuda::mma_bf16_16x8x16(d, a, b);
  } else {
    msc::cuda::mma_e4m3_16x8x32(d, a, b);
  }
  for (int i = 0; i < 4; ++i) {
    params.d[place(i)] = __float_as_uint(d[i]);
  }
}

__global__ void elementwise_kernel(Params params) {
  const int g = static_cast<int>(threadIdx.x) / 4;
  const int t = static_cast<int>(threadIdx.x) % 4;
  const auto word = [](const uint8_t* from) { return *reinterpret_cast<const uint32_t*>(from); };
  const uint8_t* const row = params.a + g * 32 + 4 * t;
  const uint32_t a[4] = {word(row), word(row + 8 * 32), word(row + 16), word(row + 8 * 32 + 16)};
  const uint8_t* const column = params.b + g * 32 + 4 * t;
  const uint32_t b[2] = {word(column), word(column + 16)};
  multiply(params, a, b);
}

__global__ void loaded_kernel(Params params) {
  MSC_SHARED(uint4, tile, (kRowsOfA + 8) * kRowBytes / 16);
  auto* const rows = reinterpret_cast<uint8_t*>(tile);
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < (kRowsOfA + 8) * 2; i += 32) {
    const int row = i / 2;
    const uint8_t* const from = row < kRowsOfA ? params.a + row * 32 : params.b + (row - kRowsOfA) * 32;
    if (!(params.fault == 7 && row == 3)) {
      *reinterpret_cast<uint4*>(rows + row * kRowBytes + i % 2 * 16) = reinterpret_cast<const uint4*>(from)[i % 2];
    }
  }
  if (params.fault != 5) {
    __syncwarp();
  }
  if (params.fault == 3 && lane == 9) {
    return;
  }
  uint32_t a[4];
  uint32_t b[2];
  const uint8_t* row = rows + lane % 16 * kRowBytes + lane / 16 * 16;
  if (params.fault == 1 && lane == 5) {
    row += 4;
  } else if (params.fault == 2) {
    row = params.a + lane % 16 * 32;
  } else if (params.fault == 6 && lane == 31) {
    row = rows + (kRowsOfA + 8) * kRowBytes;
  }
  msc::cuda::load_matrix_x4(a, row);
  if (params.fault == 9 && lane == 1) {
    tile[0] = uint4{0, 0, 0, 0};
  }
  // The addresses of lanes above 15 do not count.
  msc::cuda::load_matrix_x2(b, rows + (lane < 16 ? (kRowsOfA + lane % 8) * kRowBytes + lane / 8 * 16 : 1));
  if (params.fault == 4 && lane == 9) {
    return;
  }
  multiply(params, a, b);
}

__global__ void transposed_kernel(Params params) {
  MSC_SHARED(uint4, tile, 16 * 2);  // 16 rows of k, each twice: matrices 2 and 3 repeat 0 and 1
  const int lane = static_cast<int>(threadIdx.x);
  tile[lane] = reinterpret_cast<const uint4*>(params.b)[lane % 16];
  __syncwarp();
  uint32_t both[4];
  msc::cuda::load_matrix_x4_transposed(both, tile + lane);
  const int g = lane / 4;
  const int t = lane % 4;
  const auto word = [](const uint8_t* from) { return *reinterpret_cast<const uint32_t*>(from); };
  const uint8_t* const row = params.a + g * 32 + 4 * t;
  const uint32_t a[4] = {word(row), word(row + 8 * 32), word(row + 16), word(row + 8 * 32 + 16)};
  const uint32_t b[2] = {params.fault == 0 ? both[0] : both[2], params.fault == 0 ? both[1] : both[3]};
  multiply(params, a, b);
}

}  // namespace

void launch_elementwise(const Params& params) { launch("elementwise_kernel", elementwise_kernel, {1}, {32}, 0, {}, params); }
void launch_loaded(const Params& params) { launch("loaded_kernel", loaded_kernel, {1}, {32}, 0, {}, params); }
void launch_transposed(const Params& params) { launch("transposed_kernel", transposed_kernel, {1}, {32}, 0, {}, params); }

}  // namespace mma_kernels
