#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/device.h"

/// Ops in the order of their capture, each with copies of its parameters.
struct msc_graph {
  using Op = std::function<void(msc_stream&)>;
  struct Node {
    const char* name;  // of the ABI entry
    Op op;
  };

  explicit msc_graph(msc_device* owner);
  ~msc_graph();
  msc_graph(const msc_graph&) = delete;
  msc_graph& operator=(const msc_graph&) = delete;

  msc_device* device;
  std::vector<Node> nodes;
};

namespace msc {

/// Throws Error (bad argument) while the stream captures: for what has no place in a graph.
void refuse_capture(const msc_stream& stream, const char* entry);
void begin_capture(msc_stream& stream);
std::unique_ptr<msc_graph> end_capture(msc_stream& stream);
/// Runs the graph's ops in order; each is checked and planned anew.
void launch(const msc_graph& graph, msc_stream& stream);

}  // namespace msc
