#pragma once

#include "cuda/device/element.h"
#include "cuda/embedding/embedding.h"

namespace msc::cuda {

template <class Table, class Out>
__global__ void __launch_bounds__(256) embedding_kernel(EmbeddingParams params, unsigned blocks_of_row) {
  const int64_t t = blockIdx.x / blocks_of_row;
  const int64_t c = static_cast<int64_t>(blockIdx.x % blocks_of_row) * blockDim.x + threadIdx.x;
  if (c >= params.cols) {
    return;
  }
  const int32_t id = params.ids[t];
  float x = __uint_as_float(0x7FC00000u);  // NaN
  if (id >= 0 && id < params.table_rows) {
    x = params.scale * load(static_cast<const Table*>(params.table) + id * params.table_stride + c);
  }
  Out* const out = static_cast<Out*>(params.out) + t * params.out_stride + c;
  store(out, params.accumulate ? load(out) + x : x);
}

}  // namespace msc::cuda
