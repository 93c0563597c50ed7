// Worked example of a file of op tests; what it tests is upload and download.
#include <gtest/gtest.h>

#include "tests/ops/harness.h"

namespace optest {
namespace {

struct Shape {
  int64_t rows, cols;
  Layout layout;
};

void check_round_trip(Session& session, const Shape& shape) {
  const std::vector<float> values = session.rng().normals(shape.cols);
  GuardedTensor& target = session.output("target", shape.rows, shape.cols, shape.layout);
  const msc_tensor& view = target;
  const uint64_t bytes = static_cast<uint64_t>(shape.cols) * sizeof(float);
  const auto offset = [&](int64_t row) {
    return view.offset_bytes + static_cast<uint64_t>(row * view.row_stride) * sizeof(float);
  };
  std::vector<float> back(values.size());
  for (int64_t row = 0; row < shape.rows; ++row) {
    session.run([&] { return msc_buffer_upload(session.stream(), view.buffer, offset(row), values.data(), bytes); },
                {.bytes = 2.0 * static_cast<double>(bytes)});
    session.run([&] { return msc_buffer_download(session.stream(), view.buffer, offset(row), back.data(), bytes); });
    expect_bits_equal(back, values, "downloaded");
    expect_bits_equal(target.row_floats(row), values, "uploaded");
  }
}

void check_refusals(Session& session) {
  GuardedTensor& target = session.output("target", 1, 8);
  const float value = 1;
  const uint64_t huge = UINT64_MAX - 3;
  session.run_refused([&] { return msc_buffer_upload(session.stream(), target.view().buffer, huge, &value, 4); },
                      MSC_STATUS_BAD_ARGUMENT, {"msc_buffer_upload", "beyond the buffer's"});
  session.run_refused([&] { return msc_buffer_upload(session.stream(), target.view().buffer, 0, nullptr, 4); },
                      MSC_STATUS_BAD_ARGUMENT, {"host is NULL"});
}

OP_CASES(buffer_copy) {
  for (const Shape& shape : {Shape{1, 1, {}}, Shape{3, 257, {.row_padding = 7, .shift = 1}}, Shape{2, 4096, {}}}) {
    add_case("buffer_copy", std::to_string(shape.rows) + "x" + std::to_string(shape.cols),
             [shape](Session& session) { check_round_trip(session, shape); });
  }
  add_case("buffer_copy", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
