#pragma once

#include <cstdint>

/// Kernels that show what the layer sees: each has a right form and broken ones.
namespace small_kernels {

struct Params {
  float* out;
  const float* in;
  int32_t count;
  int32_t fault;  // 0: none; what the others break is said at the kernel
};

/// out[b] = sum of block b's 64 inputs, through shared memory.
/// Faults: 1 no barrier after the shared writes, 2 a barrier that half of the threads pass, 3 shared memory read one past
/// its end, 4 global memory read past its end, 5 a shared element that nobody wrote, 6 two threads write one element,
/// 7 a thread leaves before the barrier, 8 threads wait at two barriers, 9 global memory written past its end.
void launch_block_sum(const Params& params, unsigned blocks);

/// out[w] = sum of warp w's 32 inputs by shuffles, then each lane passes its value on through shared memory.
/// Faults: 1 no __syncwarp between, 2 a shuffle that half of the lanes make, 3 a lane outside the mask is read,
/// 4 lanes with different masks, 5 dynamic shared memory that the launch did not ask for,
/// 6 as 1 over memory that had been written before.
void launch_warp_pass(const Params& params);

/// out = in by asynchronous copies in two stages.
/// Faults: 1 read before the wait, 2 another thread's copy read without a barrier, 3 waits for too few, 4 ends with copies
/// in flight, 5 a misaligned copy.
void launch_copy(const Params& params);

/// out[0] = number of inputs above 0, by atomics. Fault: 1 plain additions, 2 one thread adds plainly.
void launch_count(const Params& params);

/// Eight elements as two float4. Fault: 1 from an address that is no multiple of 16.
void launch_wide(const Params& params);

/// Votes and shuffles of every kind, 32 results each, against their definitions.
void launch_lanes(const Params& params);

/// A block of more shared memory than a device has, or (fault 1) of more threads.
void launch_too_large(const Params& params);

}  // namespace small_kernels
