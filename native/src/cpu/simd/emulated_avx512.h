#pragma once

// AVX-512 F, BW, VL, DQ, VNNI and BF16 on AVX2, for tests alone: SIMDe's functions under the intrinsics' names, and our
// own where the packaged SIMDe (0.7.4) has none. Semantics: Intel Software Developer's Manual, volume 2.
#define SIMDE_ENABLE_NATIVE_ALIASES
// Every intrinsic a call: inlined into unrolled kernels they cost minutes of compilation a file (measured: 16 s against
// more than 100).
#define SIMDE_NO_INLINE
#include <simde/x86/avx512.h>

#include "cpu/simd/emulated_lanes.h"
#include "cpu/simd/emulated_masked.h"
#include "cpu/simd/emulated_convert.h"
#include "cpu/simd/emulated_bf16.h"
#include "cpu/simd/emulated_misc.h"
#include "cpu/simd/emulated_vnni.h"

// SIMDe 0.7.4 gives this name four parameters.
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)
