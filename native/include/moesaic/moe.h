/* Mixture of experts: router and expert layers. */
#ifndef MOESAIC_MOE_H
#define MOESAIC_MOE_H

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

/** Chooses experts. z = W x + bias in float32; p = score(z); selection score s = p + selection_bias.
 * With num_groups > 1 only experts of the kept_groups best groups are eligible (others count as -infinity).
 * ids = the top_k largest s, best first, ties to the lower index; weights = p of the chosen, without the bias;
 * if normalise: weights /= (sum + norm_eps); weights *= scale. */
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
  /** Optional [T, top_k] int32: choices of another run, replayed; weights are still this run's own. */
  msc_tensor forced_ids;
  /** [T, top_k] int32 */
  msc_tensor ids;
  /** [T, top_k] */
  msc_tensor weights;
} msc_router_params;

/** out[t] (+)= sum_k weights[t,k] * (down(act(gate x + gate_bias) * (up x + up_bias)) + down_bias) of expert ids[t,k], plus
 * the shared expert, unscaled and without biases. Experts are added in ascending order, the shared expert last, so a row's
 * result depends on that row alone. */
typedef struct msc_moe_params {
  uint32_t struct_size;
  int32_t precision;
  /** A gated msc_epilogue: the experts' activation. */
  int32_t activation;
  /** 1: add to out; 0: store. */
  int32_t accumulate;
  /** [T, H] */
  msc_tensor input;
  /** [T, K] int32 and [T, K] */
  msc_tensor ids;
  msc_tensor weights;
  /** Stacks of E experts: gate and up [I, H], down [H, I]. */
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
