/* Generated from the headers in native/include/moesaic
 * by bindings/Moesaic.Bindings.Generator; do not edit.
 * It compiles only if the C compiler lays every structure out as the C# bindings do. */
#include <stddef.h>

#include "moesaic/attention.h"
#include "moesaic/base.h"
#include "moesaic/batch.h"
#include "moesaic/calibrate.h"
#include "moesaic/device.h"
#include "moesaic/graph.h"
#include "moesaic/latent.h"
#include "moesaic/moe.h"
#include "moesaic/ops.h"
#include "moesaic/sampling.h"
#include "moesaic/weight.h"

#define CHECK_SIZE(type, size, alignment) \
  _Static_assert(sizeof(type) == (size) && _Alignof(type) == (alignment), "layout of " #type)
#define CHECK_OFFSET(type, field, offset) \
  _Static_assert(offsetof(type, field) == (offset), "offset of " #type "." #field)

CHECK_SIZE(msc_kv_cache_desc, 96, 8);
CHECK_OFFSET(msc_kv_cache_desc, struct_size, 0);
CHECK_OFFSET(msc_kv_cache_desc, format, 4);
CHECK_OFFSET(msc_kv_cache_desc, num_layers, 8);
CHECK_OFFSET(msc_kv_cache_desc, num_kv_heads, 16);
CHECK_OFFSET(msc_kv_cache_desc, k_width, 24);
CHECK_OFFSET(msc_kv_cache_desc, v_width, 32);
CHECK_OFFSET(msc_kv_cache_desc, latent_width, 40);
CHECK_OFFSET(msc_kv_cache_desc, page_tokens, 48);
CHECK_OFFSET(msc_kv_cache_desc, num_pages, 56);
CHECK_OFFSET(msc_kv_cache_desc, window, 64);
CHECK_OFFSET(msc_kv_cache_desc, group, 72);
CHECK_OFFSET(msc_kv_cache_desc, reserved, 76);
CHECK_OFFSET(msc_kv_cache_desc, routed_experts, 80);
CHECK_OFFSET(msc_kv_cache_desc, routed_choices, 88);

CHECK_SIZE(msc_kv_cache_info, 24, 8);
CHECK_OFFSET(msc_kv_cache_info, struct_size, 0);
CHECK_OFFSET(msc_kv_cache_info, reserved, 4);
CHECK_OFFSET(msc_kv_cache_info, page_bytes, 8);
CHECK_OFFSET(msc_kv_cache_info, total_bytes, 16);

CHECK_SIZE(msc_rope_table_params, 104, 8);
CHECK_OFFSET(msc_rope_table_params, struct_size, 0);
CHECK_OFFSET(msc_rope_table_params, factor, 4);
CHECK_OFFSET(msc_rope_table_params, inv_freq, 8);
CHECK_OFFSET(msc_rope_table_params, table, 56);

CHECK_SIZE(msc_rope_append_params, 320, 8);
CHECK_OFFSET(msc_rope_append_params, struct_size, 0);
CHECK_OFFSET(msc_rope_append_params, pairing, 4);
CHECK_OFFSET(msc_rope_append_params, layer, 8);
CHECK_OFFSET(msc_rope_append_params, num_q_heads, 16);
CHECK_OFFSET(msc_rope_append_params, q, 24);
CHECK_OFFSET(msc_rope_append_params, k, 72);
CHECK_OFFSET(msc_rope_append_params, v, 120);
CHECK_OFFSET(msc_rope_append_params, q_norm, 168);
CHECK_OFFSET(msc_rope_append_params, k_norm, 216);
CHECK_OFFSET(msc_rope_append_params, rope_table, 264);
CHECK_OFFSET(msc_rope_append_params, norm_eps, 312);
CHECK_OFFSET(msc_rope_append_params, reserved, 316);

CHECK_SIZE(msc_attention_params, 240, 8);
CHECK_OFFSET(msc_attention_params, struct_size, 0);
CHECK_OFFSET(msc_attention_params, precision, 4);
CHECK_OFFSET(msc_attention_params, layer, 8);
CHECK_OFFSET(msc_attention_params, num_q_heads, 16);
CHECK_OFFSET(msc_attention_params, q, 24);
CHECK_OFFSET(msc_attention_params, out, 72);
CHECK_OFFSET(msc_attention_params, scale, 120);
CHECK_OFFSET(msc_attention_params, softcap, 124);
CHECK_OFFSET(msc_attention_params, window, 128);
CHECK_OFFSET(msc_attention_params, causal, 136);
CHECK_OFFSET(msc_attention_params, reserved, 140);
CHECK_OFFSET(msc_attention_params, sinks, 144);
CHECK_OFFSET(msc_attention_params, bias, 192);

CHECK_SIZE(msc_batch_limits, 32, 8);
CHECK_OFFSET(msc_batch_limits, struct_size, 0);
CHECK_OFFSET(msc_batch_limits, num_kv_groups, 4);
CHECK_OFFSET(msc_batch_limits, max_tokens, 8);
CHECK_OFFSET(msc_batch_limits, max_sequences, 16);
CHECK_OFFSET(msc_batch_limits, max_pages, 24);

CHECK_SIZE(msc_batch_desc, 88, 8);
CHECK_OFFSET(msc_batch_desc, struct_size, 0);
CHECK_OFFSET(msc_batch_desc, reserved, 4);
CHECK_OFFSET(msc_batch_desc, num_tokens, 8);
CHECK_OFFSET(msc_batch_desc, num_sequences, 16);
CHECK_OFFSET(msc_batch_desc, num_logit_rows, 24);
CHECK_OFFSET(msc_batch_desc, host_token_ids, 32);
CHECK_OFFSET(msc_batch_desc, host_positions, 40);
CHECK_OFFSET(msc_batch_desc, host_query_offsets, 48);
CHECK_OFFSET(msc_batch_desc, host_logit_rows, 56);
CHECK_OFFSET(msc_batch_desc, host_page_tables, 64);
CHECK_OFFSET(msc_batch_desc, pages_stride, 72);
CHECK_OFFSET(msc_batch_desc, host_key_lengths, 80);

CHECK_SIZE(msc_calibration, 32, 8);
CHECK_OFFSET(msc_calibration, struct_size, 0);
CHECK_OFFSET(msc_calibration, num_threads, 4);
CHECK_OFFSET(msc_calibration, median, 8);
CHECK_OFFSET(msc_calibration, minimum, 16);
CHECK_OFFSET(msc_calibration, maximum, 24);

CHECK_SIZE(msc_cpu_info, 112, 8);
CHECK_OFFSET(msc_cpu_info, struct_size, 0);
CHECK_OFFSET(msc_cpu_info, features, 4);
CHECK_OFFSET(msc_cpu_info, best_isa, 8);
CHECK_OFFSET(msc_cpu_info, usable_processors, 12);
CHECK_OFFSET(msc_cpu_info, l1d_bytes, 16);
CHECK_OFFSET(msc_cpu_info, l2_bytes, 24);
CHECK_OFFSET(msc_cpu_info, l3_bytes, 32);
CHECK_OFFSET(msc_cpu_info, memory_bytes, 40);
CHECK_OFFSET(msc_cpu_info, name, 48);

CHECK_SIZE(msc_device_options, 32, 4);
CHECK_OFFSET(msc_device_options, struct_size, 0);
CHECK_OFFSET(msc_device_options, backend, 4);
CHECK_OFFSET(msc_device_options, ordinal, 8);
CHECK_OFFSET(msc_device_options, isa, 12);
CHECK_OFFSET(msc_device_options, disabled_features, 16);
CHECK_OFFSET(msc_device_options, num_threads, 20);
CHECK_OFFSET(msc_device_options, spin_microseconds, 24);
CHECK_OFFSET(msc_device_options, pin_threads, 28);

CHECK_SIZE(msc_device_info, 32, 4);
CHECK_OFFSET(msc_device_info, struct_size, 0);
CHECK_OFFSET(msc_device_info, backend, 4);
CHECK_OFFSET(msc_device_info, isa, 8);
CHECK_OFFSET(msc_device_info, features, 12);
CHECK_OFFSET(msc_device_info, num_threads, 16);
CHECK_OFFSET(msc_device_info, num_pinned_threads, 20);
CHECK_OFFSET(msc_device_info, row_group, 24);
CHECK_OFFSET(msc_device_info, reserved, 28);

CHECK_SIZE(msc_cuda_info, 2072, 4);
CHECK_OFFSET(msc_cuda_info, struct_size, 0);
CHECK_OFFSET(msc_cuda_info, driver_version, 4);
CHECK_OFFSET(msc_cuda_info, toolkit_version, 8);
CHECK_OFFSET(msc_cuda_info, library_found, 12);
CHECK_OFFSET(msc_cuda_info, num_devices, 16);
CHECK_OFFSET(msc_cuda_info, reserved, 20);
CHECK_OFFSET(msc_cuda_info, problem, 24);
CHECK_OFFSET(msc_cuda_info, library_path, 1048);

CHECK_SIZE(msc_cuda_device_info, 1304, 8);
CHECK_OFFSET(msc_cuda_device_info, struct_size, 0);
CHECK_OFFSET(msc_cuda_device_info, compute_major, 4);
CHECK_OFFSET(msc_cuda_device_info, compute_minor, 8);
CHECK_OFFSET(msc_cuda_device_info, num_multiprocessors, 12);
CHECK_OFFSET(msc_cuda_device_info, memory_bytes, 16);
CHECK_OFFSET(msc_cuda_device_info, name, 24);
CHECK_OFFSET(msc_cuda_device_info, problem, 280);

CHECK_SIZE(msc_tensor, 48, 8);
CHECK_OFFSET(msc_tensor, buffer, 0);
CHECK_OFFSET(msc_tensor, offset_bytes, 8);
CHECK_OFFSET(msc_tensor, rows, 16);
CHECK_OFFSET(msc_tensor, cols, 24);
CHECK_OFFSET(msc_tensor, row_stride, 32);
CHECK_OFFSET(msc_tensor, format, 40);
CHECK_OFFSET(msc_tensor, reserved, 44);

CHECK_SIZE(msc_latent_append_params, 272, 8);
CHECK_OFFSET(msc_latent_append_params, struct_size, 0);
CHECK_OFFSET(msc_latent_append_params, pairing, 4);
CHECK_OFFSET(msc_latent_append_params, layer, 8);
CHECK_OFFSET(msc_latent_append_params, num_q_heads, 16);
CHECK_OFFSET(msc_latent_append_params, q, 24);
CHECK_OFFSET(msc_latent_append_params, rotated, 72);
CHECK_OFFSET(msc_latent_append_params, kv, 120);
CHECK_OFFSET(msc_latent_append_params, norm_weight, 168);
CHECK_OFFSET(msc_latent_append_params, rope_table, 216);
CHECK_OFFSET(msc_latent_append_params, norm_eps, 264);
CHECK_OFFSET(msc_latent_append_params, reserved, 268);

CHECK_SIZE(msc_head_linear_params, 112, 8);
CHECK_OFFSET(msc_head_linear_params, struct_size, 0);
CHECK_OFFSET(msc_head_linear_params, precision, 4);
CHECK_OFFSET(msc_head_linear_params, weight, 8);
CHECK_OFFSET(msc_head_linear_params, input, 16);
CHECK_OFFSET(msc_head_linear_params, out, 64);

CHECK_SIZE(msc_latent_expanded_params, 144, 8);
CHECK_OFFSET(msc_latent_expanded_params, struct_size, 0);
CHECK_OFFSET(msc_latent_expanded_params, precision, 4);
CHECK_OFFSET(msc_latent_expanded_params, layer, 8);
CHECK_OFFSET(msc_latent_expanded_params, num_q_heads, 16);
CHECK_OFFSET(msc_latent_expanded_params, q, 24);
CHECK_OFFSET(msc_latent_expanded_params, key, 72);
CHECK_OFFSET(msc_latent_expanded_params, value, 80);
CHECK_OFFSET(msc_latent_expanded_params, out, 88);
CHECK_OFFSET(msc_latent_expanded_params, scale, 136);
CHECK_OFFSET(msc_latent_expanded_params, reserved, 140);

CHECK_SIZE(msc_router_params, 384, 8);
CHECK_OFFSET(msc_router_params, struct_size, 0);
CHECK_OFFSET(msc_router_params, score, 4);
CHECK_OFFSET(msc_router_params, group_rule, 8);
CHECK_OFFSET(msc_router_params, num_groups, 12);
CHECK_OFFSET(msc_router_params, kept_groups, 16);
CHECK_OFFSET(msc_router_params, top_k, 20);
CHECK_OFFSET(msc_router_params, normalise, 24);
CHECK_OFFSET(msc_router_params, norm_eps, 28);
CHECK_OFFSET(msc_router_params, scale, 32);
CHECK_OFFSET(msc_router_params, reserved, 36);
CHECK_OFFSET(msc_router_params, input, 40);
CHECK_OFFSET(msc_router_params, weight, 88);
CHECK_OFFSET(msc_router_params, bias, 96);
CHECK_OFFSET(msc_router_params, selection_bias, 144);
CHECK_OFFSET(msc_router_params, forced_ids, 192);
CHECK_OFFSET(msc_router_params, ids, 240);
CHECK_OFFSET(msc_router_params, weights, 288);
CHECK_OFFSET(msc_router_params, overflow, 336);
CHECK_OFFSET(msc_router_params, queue, 340);
CHECK_OFFSET(msc_router_params, capacity, 344);
CHECK_OFFSET(msc_router_params, capacity_factor, 352);
CHECK_OFFSET(msc_router_params, reserved2, 356);
CHECK_OFFSET(msc_router_params, batch, 360);
CHECK_OFFSET(msc_router_params, cache, 368);
CHECK_OFFSET(msc_router_params, layer, 376);

CHECK_SIZE(msc_moe_params, 408, 8);
CHECK_OFFSET(msc_moe_params, struct_size, 0);
CHECK_OFFSET(msc_moe_params, precision, 4);
CHECK_OFFSET(msc_moe_params, activation, 8);
CHECK_OFFSET(msc_moe_params, accumulate, 12);
CHECK_OFFSET(msc_moe_params, input, 16);
CHECK_OFFSET(msc_moe_params, ids, 64);
CHECK_OFFSET(msc_moe_params, weights, 112);
CHECK_OFFSET(msc_moe_params, gate, 160);
CHECK_OFFSET(msc_moe_params, up, 168);
CHECK_OFFSET(msc_moe_params, down, 176);
CHECK_OFFSET(msc_moe_params, gate_bias, 184);
CHECK_OFFSET(msc_moe_params, up_bias, 232);
CHECK_OFFSET(msc_moe_params, down_bias, 280);
CHECK_OFFSET(msc_moe_params, gate_alpha, 328);
CHECK_OFFSET(msc_moe_params, gate_limit, 332);
CHECK_OFFSET(msc_moe_params, shared_gate, 336);
CHECK_OFFSET(msc_moe_params, shared_up, 344);
CHECK_OFFSET(msc_moe_params, shared_down, 352);
CHECK_OFFSET(msc_moe_params, out, 360);

CHECK_SIZE(msc_embedding_params, 72, 8);
CHECK_OFFSET(msc_embedding_params, struct_size, 0);
CHECK_OFFSET(msc_embedding_params, scale, 4);
CHECK_OFFSET(msc_embedding_params, index, 8);
CHECK_OFFSET(msc_embedding_params, accumulate, 12);
CHECK_OFFSET(msc_embedding_params, table, 16);
CHECK_OFFSET(msc_embedding_params, out, 24);

CHECK_SIZE(msc_rms_norm_params, 160, 8);
CHECK_OFFSET(msc_rms_norm_params, struct_size, 0);
CHECK_OFFSET(msc_rms_norm_params, eps, 4);
CHECK_OFFSET(msc_rms_norm_params, input, 8);
CHECK_OFFSET(msc_rms_norm_params, weight, 56);
CHECK_OFFSET(msc_rms_norm_params, out, 104);
CHECK_OFFSET(msc_rms_norm_params, accumulate, 152);
CHECK_OFFSET(msc_rms_norm_params, reserved, 156);

CHECK_SIZE(msc_layer_norm_params, 200, 8);
CHECK_OFFSET(msc_layer_norm_params, struct_size, 0);
CHECK_OFFSET(msc_layer_norm_params, eps, 4);
CHECK_OFFSET(msc_layer_norm_params, input, 8);
CHECK_OFFSET(msc_layer_norm_params, weight, 56);
CHECK_OFFSET(msc_layer_norm_params, bias, 104);
CHECK_OFFSET(msc_layer_norm_params, out, 152);

CHECK_SIZE(msc_gather_rows_params, 104, 8);
CHECK_OFFSET(msc_gather_rows_params, struct_size, 0);
CHECK_OFFSET(msc_gather_rows_params, reserved, 4);
CHECK_OFFSET(msc_gather_rows_params, input, 8);
CHECK_OFFSET(msc_gather_rows_params, out, 56);

CHECK_SIZE(msc_linear_target, 104, 8);
CHECK_OFFSET(msc_linear_target, weight, 0);
CHECK_OFFSET(msc_linear_target, bias, 8);
CHECK_OFFSET(msc_linear_target, out, 56);

CHECK_SIZE(msc_linear_params, 544, 8);
CHECK_OFFSET(msc_linear_params, struct_size, 0);
CHECK_OFFSET(msc_linear_params, precision, 4);
CHECK_OFFSET(msc_linear_params, epilogue, 8);
CHECK_OFFSET(msc_linear_params, num_targets, 12);
CHECK_OFFSET(msc_linear_params, input, 16);
CHECK_OFFSET(msc_linear_params, norm_weight, 64);
CHECK_OFFSET(msc_linear_params, norm_eps, 112);
CHECK_OFFSET(msc_linear_params, gate_alpha, 116);
CHECK_OFFSET(msc_linear_params, gate_limit, 120);
CHECK_OFFSET(msc_linear_params, reserved, 124);
CHECK_OFFSET(msc_linear_params, targets, 128);

CHECK_SIZE(msc_token_count, 12, 4);
CHECK_OFFSET(msc_token_count, id, 0);
CHECK_OFFSET(msc_token_count, generated, 4);
CHECK_OFFSET(msc_token_count, total, 8);

CHECK_SIZE(msc_token_bias, 8, 4);
CHECK_OFFSET(msc_token_bias, id, 0);
CHECK_OFFSET(msc_token_bias, bias, 4);

CHECK_SIZE(msc_sampling_row, 88, 8);
CHECK_OFFSET(msc_sampling_row, struct_size, 0);
CHECK_OFFSET(msc_sampling_row, temperature, 4);
CHECK_OFFSET(msc_sampling_row, top_k, 8);
CHECK_OFFSET(msc_sampling_row, top_p, 12);
CHECK_OFFSET(msc_sampling_row, min_p, 16);
CHECK_OFFSET(msc_sampling_row, repetition_penalty, 20);
CHECK_OFFSET(msc_sampling_row, presence_penalty, 24);
CHECK_OFFSET(msc_sampling_row, frequency_penalty, 28);
CHECK_OFFSET(msc_sampling_row, seed, 32);
CHECK_OFFSET(msc_sampling_row, sample_index, 40);
CHECK_OFFSET(msc_sampling_row, num_token_counts, 44);
CHECK_OFFSET(msc_sampling_row, position, 48);
CHECK_OFFSET(msc_sampling_row, host_token_counts, 56);
CHECK_OFFSET(msc_sampling_row, host_biases, 64);
CHECK_OFFSET(msc_sampling_row, host_mask, 72);
CHECK_OFFSET(msc_sampling_row, num_biases, 80);
CHECK_OFFSET(msc_sampling_row, reserved, 84);

CHECK_SIZE(msc_sample_params, 264, 8);
CHECK_OFFSET(msc_sample_params, struct_size, 0);
CHECK_OFFSET(msc_sample_params, num_top_logprobs, 4);
CHECK_OFFSET(msc_sample_params, logits, 8);
CHECK_OFFSET(msc_sample_params, vocab_size, 56);
CHECK_OFFSET(msc_sample_params, host_rows, 64);
CHECK_OFFSET(msc_sample_params, ids, 72);
CHECK_OFFSET(msc_sample_params, logprobs, 120);
CHECK_OFFSET(msc_sample_params, top_ids, 168);
CHECK_OFFSET(msc_sample_params, top_logprobs, 216);

CHECK_SIZE(msc_token_logprobs_params, 160, 8);
CHECK_OFFSET(msc_token_logprobs_params, struct_size, 0);
CHECK_OFFSET(msc_token_logprobs_params, reserved, 4);
CHECK_OFFSET(msc_token_logprobs_params, vocab_size, 8);
CHECK_OFFSET(msc_token_logprobs_params, logits, 16);
CHECK_OFFSET(msc_token_logprobs_params, targets, 64);
CHECK_OFFSET(msc_token_logprobs_params, logprobs, 112);

CHECK_SIZE(msc_weight_desc, 56, 8);
CHECK_OFFSET(msc_weight_desc, struct_size, 0);
CHECK_OFFSET(msc_weight_desc, format, 4);
CHECK_OFFSET(msc_weight_desc, num_experts, 8);
CHECK_OFFSET(msc_weight_desc, rows, 16);
CHECK_OFFSET(msc_weight_desc, cols, 24);
CHECK_OFFSET(msc_weight_desc, group_rows, 32);
CHECK_OFFSET(msc_weight_desc, group_cols, 40);
CHECK_OFFSET(msc_weight_desc, scale_format, 48);
CHECK_OFFSET(msc_weight_desc, zero_point_format, 52);

CHECK_SIZE(msc_weight_slice, 72, 8);
CHECK_OFFSET(msc_weight_slice, struct_size, 0);
CHECK_OFFSET(msc_weight_slice, factor, 4);
CHECK_OFFSET(msc_weight_slice, expert, 8);
CHECK_OFFSET(msc_weight_slice, row_begin, 16);
CHECK_OFFSET(msc_weight_slice, num_rows, 24);
CHECK_OFFSET(msc_weight_slice, source, 32);
CHECK_OFFSET(msc_weight_slice, source_row_bytes, 40);
CHECK_OFFSET(msc_weight_slice, scales, 48);
CHECK_OFFSET(msc_weight_slice, zero_points, 56);
CHECK_OFFSET(msc_weight_slice, permutation, 64);

CHECK_SIZE(msc_weight_info, 48, 8);
CHECK_OFFSET(msc_weight_info, struct_size, 0);
CHECK_OFFSET(msc_weight_info, format, 4);
CHECK_OFFSET(msc_weight_info, num_experts, 8);
CHECK_OFFSET(msc_weight_info, rows, 16);
CHECK_OFFSET(msc_weight_info, cols, 24);
CHECK_OFFSET(msc_weight_info, packed_bytes_per_expert, 32);
CHECK_OFFSET(msc_weight_info, packed_bytes, 40);
