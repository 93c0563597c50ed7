#pragma once

#include <cstdint>

#include "moesaic/ops.h"

namespace msc::cpu {

/// The activation of a gated epilogue.
struct GateRule {
  int32_t epilogue;  // msc_epilogue
  float alpha;       // of MSC_EPILOGUE_SWIGLU_CLAMPED alone
  float limit;
};

inline bool is_gated(int32_t epilogue) {
  return epilogue == MSC_EPILOGUE_SWIGLU || epilogue == MSC_EPILOGUE_GELU_TANH_GLU ||
         epilogue == MSC_EPILOGUE_SWIGLU_CLAMPED;
}

}  // namespace msc::cpu
