/* Mixture of experts: router and expert layers. */
#ifndef MOESAIC_MOE_H
#define MOESAIC_MOE_H

#include "moesaic/attention.h"
#include "moesaic/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum msc_router_score {
  MSC_ROUTER_SCORE_SOFTMAX = 1,
  MSC_ROUTER_SCORE_SIGMOID = 2,
  /** Softmax over the chosen logits only. */
  MSC_ROUTER_SCORE_SOFTMAX_OF_CHOSEN = 3
} msc_router_score;

typedef enum msc_router_group_rule {
  /** A group's score is the sum of its two largest selection scores (DeepSeek-V3, Ling 2.0). */
  MSC_ROUTER_GROUP_RULE_TOP2_SUM = 0,
  /** A group's score is its largest (DeepSeek-V2). */
  MSC_ROUTER_GROUP_RULE_MAX = 1
} msc_router_group_rule;

/** What becomes of a choice whose expert has no room left. */
typedef enum msc_router_overflow {
  /** Every expert takes any number of choices. */
  MSC_ROUTER_OVERFLOW_UNLIMITED = 0,
  /** The choice is dropped: id -1, weight 0 (Switch Transformer, GShard). */
  MSC_ROUTER_OVERFLOW_DROP = 1,
  /** It goes to the best eligible expert with room that the token has not chosen, at once; without one it is dropped. */
  MSC_ROUTER_OVERFLOW_NEXT_BEST = 2,
  /** When all choices of the sequence's tokens in the step have been offered, it is offered once more, to the best
   * eligible expert that the token has not been offered; dropped if that one is full (Switch Transformer, appendix B). */
  MSC_ROUTER_OVERFLOW_REROUTE = 3
} msc_router_overflow;

/** Order in which the choices of a sequence's tokens in a step are offered. */
typedef enum msc_router_queue {
  /** All choices of a token, then those of the next. */
  MSC_ROUTER_QUEUE_BY_TOKEN = 0,
  /** The first choices of all tokens, then the second ones (GShard). */
  MSC_ROUTER_QUEUE_BY_CHOICE = 1
} msc_router_queue;

/** Chooses experts. z = W x + bias in float32; p = score(z); selection score s = p + selection_bias.
 * With num_groups > 1 only experts of the kept_groups best groups are eligible (others count as -infinity).
 * ids = the top_k largest s, best first, ties to the lower index; weights = p of the chosen, without the bias;
 * if normalise: weights /= (sum + norm_eps); weights *= scale.
 *
 * With an `overflow` rule an expert takes at most C choices of a sequence, C = max(capacity, ceil(capacity_factor * L *
 * top_k / E)) with L the sequence's positions up to the end of the step. Choices are counted in token order and the counts
 * lie in the sequence's pages, so they go on from step to step, and with the pages of a cached prefix; position 0 starts
 * at none. Normalisation and the softmax of SOFTMAX_OF_CHOSEN are over the choices that were kept.
 * See src/decisions/expert-capacity.md. */
typedef struct msc_router_params {
  uint32_t struct_size;
  int32_t score;
  int32_t group_rule;
  int32_t num_groups;
  int32_t kept_groups;
  int32_t top_k;
  int32_t normalise;
  float norm_eps;
  float scale;
  uint32_t reserved;
  /** [T, H] */
  msc_tensor input;
  /** Dense weight [E, H]; always evaluated in float32. */
  const msc_weight* weight;
  /** Optional [1, E], part of the logits. */
  msc_tensor bias;
  /** Optional [1, E], selection only. */
  msc_tensor selection_bias;
  /** Optional [T, top_k] int32: choices of another run, replayed; weights are still this run's own. With an overflow rule
   * an id may be -1 (dropped), and replayed choices are counted but not limited. */
  msc_tensor forced_ids;
  /** [T, top_k] int32; -1 where a choice was dropped. */
  msc_tensor ids;
  /** [T, top_k] */
  msc_tensor weights;
  /** msc_router_overflow; with MSC_ROUTER_OVERFLOW_UNLIMITED the fields below are not used. */
  int32_t overflow;
  /** msc_router_queue */
  int32_t queue;
  /** Choices of a sequence that an expert takes at least; 0 only with a factor. */
  int64_t capacity;
  /** 1: room for every choice, were they spread evenly; 0: `capacity` alone. */
  float capacity_factor;
  uint32_t reserved2;
  /** The step, and the cache whose pages hold the counts (msc_kv_cache_desc.routed_experts) of this layer. */
  const msc_batch* batch;
  msc_kv_cache* cache;
  int64_t layer;
} msc_router_params;

/** out[t] (+)= sum_k weights[t,k] * (down(act(gate x + gate_bias) * (up x + up_bias)) + down_bias) of expert ids[t,k], plus
 * the shared expert, unscaled and without biases. Experts are added in ascending order, the shared expert last, so a row's
 * result depends on that row alone. */
typedef struct msc_moe_params {
  uint32_t struct_size;
  int32_t precision;
  /** The experts' activation: a gated msc_epilogue, or without gates one of MSC_EPILOGUE_GELU, GELU_TANH and RELU. */
  int32_t activation;
  /** 1: add to out; 0: store. */
  int32_t accumulate;
  /** [T, H] */
  msc_tensor input;
  /** [T, K] int32 and [T, K]; id -1: no expert. */
  msc_tensor ids;
  msc_tensor weights;
  /** Stacks of E experts: gate and up [I, H], down [H, I]. Without gates (down(act(up x + up_bias))) gate is NULL, and so is
   * the shared expert's. */
  const msc_weight* gate;
  const msc_weight* up;
  const msc_weight* down;
  /** Optional [E, I], [E, I] and [E, H]: biases of the routed experts. */
  msc_tensor gate_bias;
  msc_tensor up_bias;
  msc_tensor down_bias;
  /** Of MSC_EPILOGUE_SWIGLU_CLAMPED: finite and above 0; 0 with every other activation. */
  float gate_alpha;
  float gate_limit;
  /** Shared expert of any width, or all NULL. */
  const msc_weight* shared_gate;
  const msc_weight* shared_up;
  const msc_weight* shared_down;
  /** [T, H] */
  msc_tensor out;
} msc_moe_params;

MSC_API msc_status msc_op_router(msc_stream* stream, const msc_router_params* params);
MSC_API msc_status msc_op_moe(msc_stream* stream, const msc_moe_params* params);

#ifdef __cplusplus
}
#endif
#endif
