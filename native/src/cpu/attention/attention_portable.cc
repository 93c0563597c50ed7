#include "cpu/attention/kernel.h"
#include "cpu/attention/latent_kernel.h"
#include "cpu/vec/portable.h"

namespace msc::cpu {

const AttentionKernels& attention_kernels_portable() { return attention_kernels_of<portable::Simd>(); }
const AttentionKernels& latent_kernels_portable() { return latent_kernels_of<portable::Simd>(); }

}  // namespace msc::cpu
