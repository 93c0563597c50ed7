/* A header with one of everything that the generator carries over. */
#ifndef SAMPLE_SAMPLE_H
#define SAMPLE_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "sample/shared.h"

#define MSC_API __attribute__((visibility("default")))

/** Version of the sample. */
#define SMP_VERSION 3u
#define SMP_MAX_PARTS 2
#define SMP_MASK 0xffffffffffffffffULL

/** Shades & their <order>. */
typedef enum smp_shade {
  /** Not lit. */
  SMP_SHADE_DARK = 0,
  SMP_SHADE_Q4_0 = 2,
  SMP_SHADE_3D,
  /** Below zero. */
  SMP_SHADE_NONE = -1
} smp_shade;

/** A lamp; see `smp_lamp_open`. */
typedef struct smp_lamp smp_lamp;
typedef struct smp_socket smp_socket;

typedef struct smp_part {
  int8_t kind;
  double value;
} smp_part;

/** Sizes and pointers.
 * Second line. */
typedef struct smp_options {
  uint32_t struct_size;
  smp_shade shade;
  /** UTF-8, NUL-terminated. */
  char name[12];
  uint16_t words[3];
  smp_part parts[SMP_MAX_PARTS];
  smp_point origin;
  const smp_lamp* parent;
  void (*callback)(void* context, int32_t event);
  size_t num_bytes;
  float out;
} smp_options;

/** Named by its typedef alone. */
typedef struct {
  int64_t left;
} smp_untagged;

/** Opens a lamp.
 * @param options what to open.
 * @param lamp, event receive the lamp and the event. */
MSC_API smp_shade smp_lamp_open(const smp_options* options, smp_lamp** lamp, int64_t* event);
MSC_API void smp_lamp_close(smp_lamp* lamp);
MSC_API uint64_t smp_total(const smp_untagged* value);

#endif
