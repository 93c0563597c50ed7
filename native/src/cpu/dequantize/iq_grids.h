#pragma once

#include <cstdint>

namespace msc::cpu {

// Patterns of quantised values that the IQ formats refer to by number. Entry i packs the level numbers of one pattern,
// first element in the lowest bits: 8 numbers of 2 bits, or 4 numbers of 3 bits. What a level number stands for:
// IQ1: 0, 1, 2 -> -1, 0, 1; IQ2: 0, 1, 2 -> 8, 25, 43; IQ3_XXS: kIq3XxsLevels; IQ3_S: 2 k + 1.
extern const uint16_t kIq1Grid[2048];
extern const uint16_t kIq2XxsGrid[256];
extern const uint16_t kIq2XsGrid[512];
extern const uint16_t kIq2SGrid[1024];
extern const uint16_t kIq3XxsGrid[256];
extern const uint16_t kIq3SGrid[512];

inline constexpr uint8_t kIq2Levels[4] = {8, 25, 43, 0};
inline constexpr uint8_t kIq3XxsLevels[8] = {4, 12, 20, 28, 36, 44, 52, 62};

}  // namespace msc::cpu
