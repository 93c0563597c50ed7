#pragma once

#include <cstdint>

#include "cuda/device/stream.h"
#include "cuda/sampling/sampling.h"

namespace msc::cuda {

/// Where a drawn token goes, so that the next step can start before the host has seen it.
struct FeedRow {
  int32_t next_slot;  // of next_ids, which the next step's embedding reads; -1: nowhere
  int32_t history_capacity;
  int32_t* history;   // the sequence's drawn ids, or NULL
  int32_t* history_length;
  msc_token_count* counts;  // what the sample row's `counts` points to, or NULL when no penalty is on
  uint32_t counts_capacity;
  uint32_t unused;
};

/// After a draw: next_ids[next_slot] = id, the id goes to the end of its sequence's history and into its counts (generated
/// and total one higher, or a new entry in its place by id), the sample row's position moves on by one. Ids of -1, of rows
/// without a token to draw, go to next_ids alone, where the embedding makes them NaN. What no longer fits a history or
/// counts is left out, and the row's element of `overflows` is set to 1; it is never cleared here.
struct FeedParams {
  int64_t rows;
  int64_t num_slots;
  const int32_t* ids;     // [rows]
  const FeedRow* feeds;   // [rows]
  SampleRow* sample_rows; // [rows]
  int32_t* next_ids;      // [num_slots]
  int32_t* overflows;     // [rows]
};

/// Throws Error (bad argument) naming the field that is wrong.
void check_feed(const FeedParams& params);
void launch_feed(const FeedParams& params, Stream stream);

/// The tokens that each row's mask allows, ascending: what an LM head has to compute where they are few.
struct AllowedIdsParams {
  int64_t rows;
  int64_t vocab_size;
  const SampleRow* sample_rows;  // [rows]; only `mask` is read
  int64_t capacity;              // of each row's list; ids past it are not written
  int32_t* ids;                  // [rows, capacity]
  int32_t* counts;               // [rows]: all of them, vocab_size without a mask, when nothing is written to ids
};

/// Throws Error (bad argument) naming the field that is wrong.
void check_allowed_ids(const AllowedIdsParams& params);
void launch_allowed_ids(const AllowedIdsParams& params, Stream stream);

}  // namespace msc::cuda
