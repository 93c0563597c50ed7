#include "cpu/embedding/embedding.h"

#include "core/section.h"
#include "cpu/weight/pack.h"

namespace msc::cpu {
namespace {

void fill_rows(const PackedMatrix& table, const int32_t* rows, float scale, Matrix<float> out, Range range) {
  for (int64_t t = range.begin; t < range.end; ++t) {
    float* row = out.row(t);
    unpack_row(table, rows == nullptr ? 0 : rows[t], row);
    if (scale != 1.0f) {
      for (int64_t k = 0; k < out.cols; ++k) {
        row[k] *= scale;
      }
    }
  }
}

void add_rows(const PackedMatrix& table, const int32_t* rows, float scale, float* spare, Matrix<float> out, Range range) {
  for (int64_t t = range.begin; t < range.end; ++t) {
    if (rows != nullptr || t == range.begin) {
      unpack_row(table, rows == nullptr ? 0 : rows[t], spare);
    }
    float* row = out.row(t);
    for (int64_t k = 0; k < out.cols; ++k) {
      row[k] += scale * spare[k];
    }
  }
}

}  // namespace

void embedding(msc_stream& stream, const PackedMatrix& table, const int32_t* rows, float scale, bool accumulate,
               Matrix<float> out) {
  const size_t spare_floats = static_cast<size_t>(out.cols + 15) / 16 * 16;
  float* spare = nullptr;
  if (accumulate) {
    spare = reinterpret_cast<float*>(stream.scratch(spare_floats * sizeof(float) * stream.device->pool.num_threads()));
  }
  const auto section = [=](unsigned thread, Range range) {
    if (accumulate) {
      add_rows(table, rows, scale, spare + spare_floats * thread, out, range);
    } else {
      fill_rows(table, rows, scale, out, range);
    }
  };
  constexpr int64_t kAloneValues = 8192;  // fewer do not repay waking the other threads
  for_each_range(stream, out.rows, out.rows * out.cols <= kAloneValues, section);
}

}  // namespace msc::cpu
