#include "cpu/attention/kernel.h"
#include "cpu/attention/latent_kernel.h"
#include "cpu/vec/avx512.h"

namespace msc::cpu {

const AttentionKernels& attention_kernels_avx512() { return attention_kernels_of<avx512::Simd>(); }
const AttentionKernels& latent_kernels_avx512() { return latent_kernels_of<avx512::Simd>(); }

}  // namespace msc::cpu
