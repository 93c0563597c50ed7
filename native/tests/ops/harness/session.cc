#include "tests/ops/harness/session.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "moesaic/graph.h"
#include "tests/ops/harness/compare.h"

namespace optest {

Session::Session(const Variant& variant, uint32_t num_threads, const std::string& case_name, Timer* timer, bool launches)
    : variant_(variant),
      num_threads_(num_threads),
      device_(device_of(variant, num_threads)),
      rng_(std::string_view(case_name)),
      timer_(timer),
      launches_(launches) {
  if (msc_stream_create(device_, &stream_) != MSC_STATUS_OK) {
    throw std::runtime_error(last_error_text());
  }
}

Session::~Session() {
  while (!releases_.empty()) {
    releases_.back()();
    releases_.pop_back();
  }
  entries_.clear();
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_destroy(stream_)) << last_error_text();
}

GuardedTensor& Session::add(const std::string& name, int64_t rows, int64_t cols, int32_t format, Layout layout,
                            bool writable) {
  for (const Entry& entry : entries_) {
    if (entry.tensor->name() == name) {
      throw std::logic_error("two tensors of one case are called '" + name + "'");
    }
  }
  entries_.push_back({std::make_unique<GuardedTensor>(device_, name, rows, cols, format, layout), writable, {}});
  return *entries_.back().tensor;
}

GuardedTensor& Session::input(const std::string& name, int64_t rows, int64_t cols, const std::vector<float>& values,
                              Layout layout) {
  GuardedTensor& tensor = add(name, rows, cols, MSC_FORMAT_F32, layout, false);
  tensor.set(values);
  entries_.back().input_bits = tensor.bits();
  return tensor;
}

GuardedTensor& Session::input(const std::string& name, int64_t rows, int64_t cols, const std::vector<int32_t>& values,
                              Layout layout) {
  GuardedTensor& tensor = add(name, rows, cols, MSC_FORMAT_I32, layout, false);
  tensor.set(values);
  entries_.back().input_bits = tensor.bits();
  return tensor;
}

GuardedTensor& Session::output(const std::string& name, int64_t rows, int64_t cols, Layout layout, int32_t format) {
  return add(name, rows, cols, format, layout, true);
}

GuardedTensor& Session::inout(const std::string& name, int64_t rows, int64_t cols, const std::vector<float>& values,
                              Layout layout) {
  GuardedTensor& tensor = add(name, rows, cols, MSC_FORMAT_F32, layout, true);
  tensor.set(values);
  return tensor;
}

void Session::check_untouched(const char* when) const {
  for (const Entry& entry : entries_) {
    const std::string damage = entry.tensor->damaged_guard();
    EXPECT_TRUE(damage.empty()) << damage << ", " << when;
    if (!entry.writable) {
      EXPECT_TRUE(entry.tensor->bits() == entry.input_bits) << "input '" << entry.tensor->name() << "' changed, " << when;
    }
  }
}

msc_status Session::submit(const std::function<msc_status()>& call) {
  if (!launches_) {
    return call();
  }
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_begin_capture(stream_)) << last_error_text();
  msc_status status = call();
  msc_graph* graph = nullptr;
  EXPECT_EQ(MSC_STATUS_OK, msc_stream_end_capture(stream_, &graph)) << last_error_text();
  // What has no place in a graph (copies, sampling) runs as ever; what is refused says why again.
  status = status == MSC_STATUS_OK ? msc_graph_launch(graph, stream_) : call();
  EXPECT_EQ(MSC_STATUS_OK, msc_graph_destroy(graph));
  return status;
}

void Session::run(const std::function<msc_status()>& call, const Work& work) {
  ASSERT_EQ(MSC_STATUS_OK, submit(call)) << last_error_text();
  ASSERT_EQ(MSC_STATUS_OK, msc_stream_synchronize(stream_)) << last_error_text();
  check_untouched("after the op");
  if (timer_ == nullptr || (work.bytes == 0 && work.operations == 0)) {
    return;
  }
  const auto results = output_bits();
  timer_->measure(*this, work, [&] { return call() == MSC_STATUS_OK && msc_stream_synchronize(stream_) == MSC_STATUS_OK; });
  for (const Entry& entry : entries_) {
    if (entry.writable) {
      entry.tensor->set_bits(results.at(entry.tensor->name()));
    }
  }
}

void Session::run_refused(const std::function<msc_status()>& call, msc_status status,
                          const std::vector<std::string>& parts) {
  const auto before = output_bits();
  expect_refused(submit(call), status, parts);
  check_untouched("after a refused op");
  EXPECT_TRUE(before == output_bits()) << "a refused op changed an output";
}

std::map<std::string, std::vector<uint32_t>> Session::output_bits() const {
  std::map<std::string, std::vector<uint32_t>> bits;
  for (const Entry& entry : entries_) {
    if (entry.writable) {
      bits[entry.tensor->name()] = entry.tensor->bits();
    }
  }
  return bits;
}

}  // namespace optest
