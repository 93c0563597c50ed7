#include "cpu/embedding/embedding.h"

#include "cpu/weight/pack.h"

namespace msc::cpu {
namespace {

void fill_rows(const PackedMatrix& table, const int32_t* token_ids, float scale, Matrix<float> out, Range range) {
  for (int64_t t = range.begin; t < range.end; ++t) {
    float* row = out.row(t);
    unpack_row(table, token_ids[t], row);
    if (scale != 1.0f) {
      for (int64_t k = 0; k < out.cols; ++k) {
        row[k] *= scale;
      }
    }
  }
}

}  // namespace

void embedding(msc_stream& stream, const PackedMatrix& table, const int32_t* token_ids, float scale, Matrix<float> out) {
  ThreadPool& pool = stream.device->pool;
  constexpr int64_t kAloneValues = 8192;  // fewer do not repay waking the other threads
  if (out.rows * out.cols <= kAloneValues) {
    fill_rows(table, token_ids, scale, out, {0, out.rows});
    return;
  }
  const auto section = [&](unsigned thread) {
    fill_rows(table, token_ids, scale, out, split_range(out.rows, thread, pool.num_threads()));
  };
  pool.run(section);
}

}  // namespace msc::cpu
