// Only in the library variant that the exported-symbol test loads: every guarded entry throws an int while armed.
#ifdef MSC_FAULT_INJECTION

#include "core/guard.h"

extern "C" {
MSC_API extern int msc_fault_injection_armed;
int msc_fault_injection_armed = 0;
}

namespace msc {

void fault_point() {
  if (msc_fault_injection_armed != 0) {
    throw 42;
  }
}

}  // namespace msc

#endif
