#include "core/graph.h"

#include <string>
#include <utility>

#include "core/error.h"

msc_graph::msc_graph(msc_device* owner) : device(owner) { ++device->live_objects; }

msc_graph::~msc_graph() { --device->live_objects; }

namespace msc {
namespace {

void run_ops(const msc_graph& graph, msc_stream& stream) {
  for (const msc_graph::Node& node : graph.nodes) {
    try {
      node.op(stream);
    } catch (const Error& error) {
      throw Error(error.status(), std::string(node.name) + ": " + error.what());
    }
  }
}

}  // namespace

void refuse_capture(const msc_stream& stream, const char* entry) {
  MSC_CHECK_ARGUMENT(stream.capture() == nullptr, "the stream captures a graph, in which %s has no place: end the capture first",
                     entry);
}

void begin_capture(msc_stream& stream) {
  refuse_capture(stream, "another capture");
  stream.set_capture(std::make_unique<msc_graph>(stream.device));
}

std::unique_ptr<msc_graph> end_capture(msc_stream& stream) {
  MSC_CHECK_ARGUMENT(stream.capture() != nullptr, "the stream captures nothing: begin a capture first");
  return stream.set_capture(nullptr);
}

void launch(const msc_graph& graph, msc_stream& stream) {
  refuse_capture(stream, "the launch of another graph");
  if (stream.device->pool.num_threads() == 1) {
    run_ops(graph, stream);
  } else {
    stream.run_queued([&] { run_ops(graph, stream); });
  }
}

}  // namespace msc
