/* Generated from the headers in headers/sample
 * by bindings/Moesaic.Bindings.Generator; do not edit.
 * It compiles only if the C compiler lays every structure out as the C# bindings do. */
#include <stddef.h>

#include "sample/sample.h"
#include "sample/shared.h"

#define CHECK_SIZE(type, size, alignment) \
  _Static_assert(sizeof(type) == (size) && _Alignof(type) == (alignment), "layout of " #type)
#define CHECK_OFFSET(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), "offset of " #type "." #field)

CHECK_SIZE(smp_part, 16, 8);
CHECK_OFFSET(smp_part, kind, 0);
CHECK_OFFSET(smp_part, value, 8);

CHECK_SIZE(smp_options, 104, 8);
CHECK_OFFSET(smp_options, struct_size, 0);
CHECK_OFFSET(smp_options, shade, 4);
CHECK_OFFSET(smp_options, name, 8);
CHECK_OFFSET(smp_options, words, 20);
CHECK_OFFSET(smp_options, parts, 32);
CHECK_OFFSET(smp_options, origin, 64);
CHECK_OFFSET(smp_options, parent, 72);
CHECK_OFFSET(smp_options, callback, 80);
CHECK_OFFSET(smp_options, num_bytes, 88);
CHECK_OFFSET(smp_options, out, 96);

CHECK_SIZE(smp_untagged, 8, 8);
CHECK_OFFSET(smp_untagged, left, 0);

CHECK_SIZE(smp_point, 8, 4);
CHECK_OFFSET(smp_point, x, 0);
CHECK_OFFSET(smp_point, y, 4);
