/* Ops of the decoder outside attention and mixture of experts.
 * All tensors are float32 unless said. T is the number of tokens of the batch. */
#ifndef MOESAIC_OPS_H
#define MOESAIC_OPS_H

#include "moesaic/batch.h"
#include "moesaic/weight.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum msc_embedding_index {
  MSC_EMBEDDING_INDEX_TOKEN = 0,
  /** Learned positions. */
  MSC_EMBEDDING_INDEX_POSITION = 1,
  /** Row 0 for every token: the type of a text that stands alone (BERT). */
  MSC_EMBEDDING_INDEX_FIRST_ROW = 2
} msc_embedding_index;

/** out[t] (+)= scale * table[index of t]: its token id, its position, or 0; rows outside the table are refused. */
typedef struct msc_embedding_params {
  uint32_t struct_size;
  float scale;
  /** msc_embedding_index */
  int32_t index;
  /** 1: add to out; 0: store. */
  int32_t accumulate;
  const msc_weight* table;
  /** [T, cols] */
  msc_tensor out;
} msc_embedding_params;

/** out (+)= weight * input / sqrt(mean(input^2) + eps), row by row (RMSNorm, Zhang and Sennrich 2019). */
typedef struct msc_rms_norm_params {
  uint32_t struct_size;
  float eps;
  /** [rows, cols] */
  msc_tensor input;
  /** [1, cols] */
  msc_tensor weight;
  /** [rows, cols]; may be the input unless the result is added. */
  msc_tensor out;
  /** 1: add to out (the residual stream, where a layer's output is normed first); 0: store. */
  int32_t accumulate;
  uint32_t reserved;
} msc_rms_norm_params;

/** out = weight * (input - mean) / sqrt(variance + eps) + bias, row by row (LayerNorm, Ba, Kiros and Hinton 2016). */
typedef struct msc_layer_norm_params {
  uint32_t struct_size;
  float eps;
  /** [rows, cols] */
  msc_tensor input;
  /** [1, cols] */
  msc_tensor weight;
  /** Optional [1, cols]. */
  msc_tensor bias;
  /** [rows, cols]; may be the input. */
  msc_tensor out;
} msc_layer_norm_params;

/** out[i] = input[row_indices[i]]: the rows of the batch whose logits are wanted. */
typedef struct msc_gather_rows_params {
  uint32_t struct_size;
  uint32_t reserved;
  /** [T, cols] */
  msc_tensor input;
  /** [num_logit_rows, cols] */
  msc_tensor out;
} msc_gather_rows_params;

typedef enum msc_epilogue {
  /** out = y */
  MSC_EPILOGUE_STORE = 0,
  /** out = out + y (the residual stream) */
  MSC_EPILOGUE_ADD = 1,
  /** Exactly two weights, gate and up, of equal shape: out[0] = silu(gate) * up (SwiGLU) */
  MSC_EPILOGUE_SWIGLU = 2,
  /** As SWIGLU with gelu_tanh for silu. */
  MSC_EPILOGUE_GELU_TANH_GLU = 3,
  /** As SWIGLU with g = min(gate, gate_limit), u = clamp(up, -gate_limit, gate_limit):
   * out[0] = g * sigmoid(gate_alpha * g) * (u + 1) (GPT-OSS). */
  MSC_EPILOGUE_SWIGLU_CLAMPED = 4,
  /** out = gelu(y), gelu(x) = x (1 + erf(x / sqrt(2))) / 2; of each target, after its bias. */
  MSC_EPILOGUE_GELU = 5,
  /** out = gelu_tanh(y), likewise. */
  MSC_EPILOGUE_GELU_TANH = 6,
  /** out_i = max(0, y_i) */
  MSC_EPILOGUE_RELU = 8
} msc_epilogue;

#define MSC_LINEAR_MAX_WEIGHTS 4

typedef struct msc_linear_target {
  /** Dense (num_experts == 1), sealed, cols == K. */
  const msc_weight* weight;
  /** Optional [1, rows of weight]. */
  msc_tensor bias;
  /** [M, rows of weight]; unused for the second weight of a gated epilogue. */
  msc_tensor out;
} msc_linear_target;

/** y_i = W_i norm(input) + b_i for up to four weights that share one input: the input is normalised and
 * quantised once. Row m of every output depends on row m of the input alone (batch-invariant). */
typedef struct msc_linear_params {
  uint32_t struct_size;
  int32_t precision;
  int32_t epilogue;
  uint32_t num_targets;
  /** [M, K] */
  msc_tensor input;
  /** Optional [1, K]: RMSNorm of the input rows first. */
  msc_tensor norm_weight;
  float norm_eps;
  /** Of MSC_EPILOGUE_SWIGLU_CLAMPED: finite and above 0; 0 with every other epilogue. */
  float gate_alpha;
  float gate_limit;
  uint32_t reserved;
  msc_linear_target targets[MSC_LINEAR_MAX_WEIGHTS];
} msc_linear_params;

MSC_API msc_status msc_op_embedding(msc_stream* stream, const msc_batch* batch, const msc_embedding_params* params);
MSC_API msc_status msc_op_rms_norm(msc_stream* stream, const msc_rms_norm_params* params);
MSC_API msc_status msc_op_layer_norm(msc_stream* stream, const msc_layer_norm_params* params);
MSC_API msc_status msc_op_gather_rows(msc_stream* stream, const msc_batch* batch, const msc_gather_rows_params* params);
MSC_API msc_status msc_op_linear(msc_stream* stream, const msc_linear_params* params);

#ifdef __cplusplus
}
#endif
#endif
