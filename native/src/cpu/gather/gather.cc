#include "cpu/gather/gather.h"

#include <cstring>

#include "core/section.h"

namespace msc::cpu {

// Few rows are wanted (one per sequence in a decode step), so that this stays on one thread.
void gather_rows(msc_stream& stream, Matrix<const float> input, const int32_t* rows, Matrix<float> out) {
  for_each_range(stream, out.rows, true, [=](unsigned, Range range) {
    for (int64_t i = range.begin; i < range.end; ++i) {
      // Ascending rows may be gathered into the same tensor: row i is read before a later one overwrites it.
      std::memmove(out.row(i), input.row(rows[i]), static_cast<size_t>(input.cols) * sizeof(float));
    }
  });
}

}  // namespace msc::cpu
