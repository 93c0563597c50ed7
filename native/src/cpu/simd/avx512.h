#pragma once

// The intrinsics of *_avx512*.cc files. Include this, not <immintrin.h>: the test programs of the `emulate` preset run
// the same kernels on machines without AVX-512, with functions in place of the instructions. VRCP14PS and VRSQRT14PS
// are not emulated: processors differ in their last bits, so kernels must not use them.
#ifdef MSC_EMULATE_AVX512
#include "cpu/simd/emulated_avx512.h"
#else
// GCC 12 reports its own _mm512_undefined_*() as used uninitialised wherever it inlines them (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif
