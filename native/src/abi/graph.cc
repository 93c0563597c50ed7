#include "moesaic/graph.h"

#include "abi/arguments.h"
#include "abi/cpu_only.h"
#include "core/graph.h"
#include "core/guard.h"

msc_status msc_stream_begin_capture(msc_stream* stream) {
  return msc::guard(__func__, [&] {
    msc::check_cpu_stream(stream);
    msc::begin_capture(*stream);
  });
}

msc_status msc_stream_end_capture(msc_stream* stream, msc_graph** graph) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(stream, "stream");
    msc::check_pointer(graph, "graph");
    *graph = msc::end_capture(*stream).release();
  });
}

msc_status msc_graph_launch(const msc_graph* graph, msc_stream* stream) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(graph, "graph");
    msc::check_pointer(stream, "stream");
    MSC_CHECK_ARGUMENT(graph->device == stream->device, "graph and stream belong to different devices");
    msc::launch(*graph, *stream);
  });
}

msc_status msc_graph_destroy(msc_graph* graph) {
  return msc::guard(__func__, [&] {
    msc::check_pointer(graph, "graph");
    delete graph;
  });
}
