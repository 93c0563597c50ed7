#pragma once

// The intrinsics of *_avx2.cc and *_avxvnni.cc files. Include this, not <immintrin.h>.
#include <immintrin.h>
