#include "moesaic/graph.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "moesaic/batch.h"
#include "moesaic/ops.h"
#include "tests/support/handles.h"

namespace {

using msc::test::Device;
using msc::test::last_error;

/// A buffer of floats as a tensor of one row.
class Vector {
 public:
  Vector(const Device& device, const std::vector<float>& values) : stream_(device.stream()) {
    msc::test::check(msc_buffer_create(device.get(), values.size() * sizeof(float), &buffer_));
    view_ = {buffer_, 0, 1, static_cast<int64_t>(values.size()), static_cast<int64_t>(values.size()), MSC_FORMAT_F32, 0};
    set(values);
  }
  ~Vector() { EXPECT_EQ(MSC_STATUS_OK, msc_buffer_destroy(buffer_)); }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;

  void set(const std::vector<float>& values) {
    msc::test::check(msc_buffer_upload(stream_, buffer_, 0, values.data(), values.size() * sizeof(float)));
  }
  std::vector<float> get() const {
    std::vector<float> values(static_cast<size_t>(view_.cols));
    msc::test::check(msc_buffer_download(stream_, buffer_, 0, values.data(), values.size() * sizeof(float)));
    return values;
  }
  const msc_tensor& view() const { return view_; }

 private:
  msc_stream* stream_;
  msc_buffer* buffer_ = nullptr;
  msc_tensor view_ = {};
};

/// out += input / rms(input).
msc_rms_norm_params norm_onto(const Vector& input, const Vector& weight, const Vector& out) {
  msc_rms_norm_params params = {};
  params.struct_size = sizeof(params);
  params.input = input.view();
  params.weight = weight.view();
  params.out = out.view();
  params.accumulate = 1;
  return params;
}

msc_graph* end_capture(msc_stream* stream) {
  msc_graph* graph = nullptr;
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_end_capture(stream, &graph)) << last_error();
  return graph;
}

TEST(Graph, RunsAtEveryLaunchAndNotWhenCaptured) {
  for (const uint32_t threads : {1u, 2u, 3u}) {
    Device device({.num_threads = threads});
    Vector a(device, {2, 2}), ones(device, {1, 1}), b(device, {0, 0}), c(device, {0, 0});
    ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(device.stream()));
    msc_rms_norm_params params = norm_onto(a, ones, b);
    EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
    params = norm_onto(b, ones, c);
    EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
    msc_graph* graph = end_capture(device.stream());
    params = {};  // The graph has its own copy.
    EXPECT_EQ(std::vector<float>({0, 0}), b.get());
    for (float launches = 1; launches <= 3; ++launches) {
      ASSERT_EQ(MSC_STATUS_OK, msc_graph_launch(graph, device.stream())) << last_error();
      EXPECT_EQ(std::vector<float>({launches, launches}), b.get());
      EXPECT_EQ(std::vector<float>({launches, launches}), c.get()) << "the second op must see what the first has written";
    }
    EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
  }
}

TEST(Graph, UsesBuffersAsTheyAreAtTheLaunch) {
  Device device({.num_threads = 2});
  Vector a(device, {3, 3}), ones(device, {1, 1}), b(device, {0, 0});
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(device.stream()));
  const msc_rms_norm_params params = norm_onto(a, ones, b);
  EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
  msc_graph* graph = end_capture(device.stream());
  a.set({-5, -5});
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_launch(graph, device.stream()));
  EXPECT_EQ(std::vector<float>({-1, -1}), b.get());
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
}

TEST(Graph, AnOpThatFailsIsNamedAndThoseBeforeItHaveRun) {
  for (const uint32_t threads : {1u, 2u, 3u}) {
    Device device({.num_threads = threads});
    Vector a(device, {2, 2}), ones(device, {1, 1}), b(device, {0, 0}), longer(device, {7, 7, 7});
    ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(device.stream()));
    msc_rms_norm_params params = norm_onto(a, ones, b);
    EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
    params = norm_onto(a, ones, longer);
    EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
    params = norm_onto(a, ones, b);
    EXPECT_EQ(MSC_STATUS_OK, msc_op_rms_norm(device.stream(), &params));
    msc_graph* graph = end_capture(device.stream());
    for (int launch = 1; launch <= 2; ++launch) {
      EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_graph_launch(graph, device.stream()));
      EXPECT_NE(std::string::npos, last_error().find("msc_graph_launch: msc_op_rms_norm: tensor 'out' is [1, 3]")) << last_error();
      EXPECT_EQ(std::vector<float>({static_cast<float>(launch), static_cast<float>(launch)}), b.get());
    }
    EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
  }
}

TEST(Graph, OnlyOpsHaveAPlaceInACapture) {
  Device device({.num_threads = 2});
  msc_stream* stream = device.stream();
  Vector a(device, {1, 2});
  msc_event* event = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_event_create(device.get(), &event));
  const msc_batch_limits limits = {.struct_size = sizeof(msc_batch_limits), .num_kv_groups = 1, .max_tokens = 1, .max_sequences = 1, .max_pages = 1};
  msc_batch* batch = nullptr;
  ASSERT_EQ(MSC_STATUS_OK, msc_batch_create(device.get(), &limits, &batch)) << last_error();
  msc_batch_desc desc = {};
  desc.struct_size = sizeof(desc);
  float value = 0;

  msc_graph* graph = nullptr;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_stream_end_capture(stream, &graph));
  EXPECT_NE(std::string::npos, last_error().find("captures nothing"));
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(stream));
  const auto refused = [](msc_status status) {
    EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, status);
    EXPECT_NE(std::string::npos, last_error().find("captures a graph")) << last_error();
  };
  refused(msc_stream_begin_capture(stream));
  refused(msc_stream_synchronize(stream));
  refused(msc_event_record(event, stream));
  refused(msc_buffer_upload(stream, a.view().buffer, 0, &value, sizeof value));
  refused(msc_buffer_download(stream, a.view().buffer, 0, &value, sizeof value));
  refused(msc_batch_update(batch, stream, &desc));
  graph = end_capture(stream);
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream));
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_launch(graph, stream)) << "an empty graph";
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(stream));
  refused(msc_graph_launch(graph, stream));
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(end_capture(stream)));

  Device other;
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_graph_launch(graph, other.stream()));
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
  EXPECT_EQ(MSC_STATUS_OK, msc_batch_destroy(batch));
  EXPECT_EQ(MSC_STATUS_OK, msc_event_destroy(event));
}

TEST(Graph, KeepsItsDevice) {
  msc_device* device = nullptr;
  msc_stream* stream = nullptr;
  const msc_device_options options = msc::test::to_c({.num_threads = 2});
  ASSERT_EQ(MSC_STATUS_OK, msc_device_create(&options, &device));
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_create(device, &stream));
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(stream));
  msc_graph* graph = end_capture(stream);
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(stream));
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream)) << "a capture that never ended goes with its stream";
  EXPECT_EQ(MSC_STATUS_BAD_ARGUMENT, msc_device_destroy(device));
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
  EXPECT_EQ(MSC_STATUS_OK, msc_device_destroy(device));
}

}  // namespace
