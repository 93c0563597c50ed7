#ifndef SAMPLE_SHARED_H
#define SAMPLE_SHARED_H

#include <stdint.h>

/** Declared in another header: not repeated in the sample's output. */
typedef struct smp_point {
  int32_t x;
  int32_t y;
} smp_point;

#endif
