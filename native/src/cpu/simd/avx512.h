#pragma once

// The intrinsics of *_avx512*.cc files. Include this, not <immintrin.h>.
#include <immintrin.h>
