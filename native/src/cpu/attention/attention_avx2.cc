#include "cpu/attention/kernel.h"
#include "cpu/attention/latent_kernel.h"
#include "cpu/vec/avx2.h"

namespace msc::cpu {

const AttentionKernels& attention_kernels_avx2() { return attention_kernels_of<avx2::Simd>(); }
const AttentionKernels& latent_kernels_avx2() { return latent_kernels_of<avx2::Simd>(); }

}  // namespace msc::cpu
