#pragma once

#include <cstdint>

namespace msc::cuda {

// What the plans and the kernels of the router agree on.
inline constexpr int kRouterMostExperts = 512;
inline constexpr int kRouterWarps = 4;           // tokens of a block
inline constexpr int kRouterLogitsWarps = 4;     // experts of a block
inline constexpr int kRouterLogitsTokens = 4;    // tokens that share one read of the weight
/// Shared floats of a warp's row, of which there are kRouterRows: p, selection score, group score or choice, kept group or id.
inline constexpr int kRouterRows = 4;

}  // namespace msc::cuda
