#include "tests/cuda/small_kernels.h"

#include "cuda_target.h"

namespace small_kernels {
namespace {

constexpr uint32_t kAll = 0xFFFFFFFFu;

__global__ void block_sum_kernel(Params params) {
  MSC_SHARED(float, values, 64);
  const unsigned t = threadIdx.x;
  const unsigned i = blockIdx.x * 64 + t;
  if (params.fault == 7 && t == 63) {
    return;
  }
  if (!(params.fault == 5 && t == 17)) {
    values[params.fault == 6 && t == 5 ? 4 : t] = params.in[params.fault == 4 ? i + 1 : i];
  }
  if (params.fault == 2) {
    if (t < 32) {
      __syncthreads();
    }
  } else if (params.fault == 8) {
    if (t < 32) {
      __syncthreads();
    } else {
      __syncthreads();
    }
  } else if (params.fault != 1) {
    __syncthreads();
  }
  if (t == 0) {
    float sum = 0.0f;
    for (int k = 0; k < 64; ++k) {
      sum += values[params.fault == 3 ? k + 1 : k];
    }
    params.out[params.fault == 9 ? params.count + blockIdx.x : blockIdx.x] = sum;
  }
}

__global__ void warp_pass_kernel(Params params) {
  MSC_SHARED_DYNAMIC(float, values);
  const unsigned t = threadIdx.x;
  const unsigned lane = t % 32;
  float sum = params.in[t];
  if (params.fault == 2 && lane >= 16) {
    return;
  }
  const uint32_t mask = params.fault == 4 && lane < 16 ? 0x1FFFFu :
                         params.fault == 3 ? (lane < 16 ? 0xFFFFu : 0xFFFF0000u) : kAll;
  for (unsigned step = 16; step > 0; step /= 2) {
    sum += __shfl_xor_sync(mask, sum, step);
  }
  if (params.fault == 6) {
    values[t] = 0.0f;
    __syncthreads();
  }
  values[t] = sum + static_cast<float>(lane);
  if (params.fault != 1 && params.fault != 6) {
    __syncwarp();
  }
  params.out[t] = values[t / 32 * 32 + (lane + 1) % 32];
}

__global__ void copy_kernel(Params params) {
  MSC_SHARED(float, values, 2 * 4 * 32);
  const unsigned t = threadIdx.x;
  for (unsigned stage = 0; stage < 2; ++stage) {
    msc::cuda::copy_async_16(values + stage * 128 + t * 4 + (params.fault == 5 ? 1 : 0), params.in + stage * 128 + t * 4);
    msc::cuda::commit_copies();
  }
  if (params.fault == 1) {
    params.out[t] = values[t * 4];
  }
  if (params.fault == 3) {
    msc::cuda::wait_for_copies<1>();
  } else if (params.fault != 4) {
    msc::cuda::wait_for_copies<0>();
  }
  if (params.fault == 4) {
    return;
  }
  if (params.fault != 2) {
    __syncthreads();
  }
  for (unsigned i = t; i < 256; i += 32) {
    params.out[i] = values[i];
  }
  msc::cuda::wait_for_copies<0>();
}

__global__ void count_kernel(Params params) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < static_cast<unsigned>(params.count) && params.in[i] > 0.0f) {
    if (params.fault == 1 || (params.fault == 2 && i == 3)) {
      params.out[0] += 1.0f;
    } else {
      atomicAdd(params.out, 1.0f);
    }
  }
}

__global__ void wide_kernel(Params params) {
  const auto* in = reinterpret_cast<const float4*>(params.in + (params.fault == 1 ? 1 : 0));
  reinterpret_cast<float4*>(params.out)[threadIdx.x] = in[threadIdx.x];
}

__global__ void lanes_kernel(Params params) {
  const unsigned lane = threadIdx.x;
  const auto value = static_cast<int32_t>(params.in[lane]);
  params.out[lane] = static_cast<float>(__shfl_sync(kAll, value, lane + 3));
  params.out[32 + lane] = static_cast<float>(__shfl_up_sync(kAll, value, 2, 8));
  params.out[64 + lane] = static_cast<float>(__shfl_down_sync(kAll, value, 3, 16));
  params.out[96 + lane] = static_cast<float>(__shfl_xor_sync(kAll, value, 1));
  params.out[128 + lane] = static_cast<float>(__ballot_sync(kAll, lane % 5 == 0) >> lane & 1);
  params.out[160 + lane] = static_cast<float>(__any_sync(kAll, lane == 9) + 2 * __all_sync(kAll, lane < 31));
}

__global__ void too_large_kernel(Params params) {
  MSC_SHARED(float, values, 58 * 1024);
  values[threadIdx.x] = 1.0f;
  params.out[0] = 1.0f;
}

using msc::cuda::launch;

}  // namespace

void launch_block_sum(const Params& params, unsigned blocks) {
  launch("block_sum_kernel", block_sum_kernel, {blocks}, {64}, 0, {}, params);
}
void launch_warp_pass(const Params& params) {
  launch("warp_pass_kernel", warp_pass_kernel, {1}, {64}, params.fault == 5 ? 0 : 64 * sizeof(float), {}, params);
}
void launch_copy(const Params& params) { launch("copy_kernel", copy_kernel, {1}, {32}, 0, {}, params); }
void launch_count(const Params& params) { launch("count_kernel", count_kernel, {2}, {32}, 0, {}, params); }
void launch_wide(const Params& params) { launch("wide_kernel", wide_kernel, {1}, {2}, 0, {}, params); }
void launch_lanes(const Params& params) { launch("lanes_kernel", lanes_kernel, {1}, {32}, 0, {}, params); }
void launch_too_large(const Params& params) {
  launch("too_large_kernel", too_large_kernel, {1}, {params.fault == 1 ? 2048u : 1u}, 0, {}, params);
}

}  // namespace small_kernels
