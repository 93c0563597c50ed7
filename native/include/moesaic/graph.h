/* Graphs: the ops of a step, captured once and launched for every step of the same shape.
 *
 * A launch costs one call in place of one for each op, and its ops follow each other without coming back to the caller.
 * Ops keep copies of their parameters; batches, caches, weights and buffers are used as they are at the launch, so that a
 * graph serves every step whose tensors have the shapes of the capture: a batch needs as many tokens and logit rows. */
#ifndef MOESAIC_GRAPH_H
#define MOESAIC_GRAPH_H

#include "moesaic/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct msc_graph msc_graph;

/** From here on the stream's ops are added to a graph and do not run. What is no op (copies, sampling, batch updates,
 * events, synchronize) is refused until the capture ends. */
MSC_API msc_status msc_stream_begin_capture(msc_stream* stream);
/** Ends the capture and hands over its graph. */
MSC_API msc_status msc_stream_end_capture(msc_stream* stream, msc_graph** graph);
/** Enqueues the graph's ops in order; each checks its arguments now. When one fails, those before it have run.
 * All objects that the ops name must still exist. */
MSC_API msc_status msc_graph_launch(const msc_graph* graph, msc_stream* stream);
MSC_API msc_status msc_graph_destroy(msc_graph* graph);

#ifdef __cplusplus
}
#endif
#endif
