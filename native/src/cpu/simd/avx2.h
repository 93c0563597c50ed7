#pragma once

// The intrinsics of *_avx2.cc and *_avxvnni.cc files. Include this, not <immintrin.h>: the test programs of the
// `emulate` preset have functions in place of the AVX-VNNI instructions, which few machines have.
#include <immintrin.h>

#ifdef MSC_EMULATE_AVX512
#include "cpu/simd/emulated_vnni.h"
#endif
