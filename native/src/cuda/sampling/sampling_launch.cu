#include "cuda/sampling/sample_collect_kernel.h"
#include "cuda/sampling/sample_draw_kernel.h"
#include "cuda/sampling/sample_scan_kernel.h"
#include "cuda/sampling/sample_weigh_kernel.h"
#include "cuda/sampling/token_logprobs_kernel.h"

namespace msc::cuda {
namespace {

template <class E, bool kPacked>
void launch_as(const SampleParams& params, const SamplePlan& plan, Stream stream) {
  const SampleLayout& layout = plan.layout;
  const Extent rows{static_cast<unsigned>(params.rows)};
  const Extent chunks{static_cast<unsigned>(params.rows) * static_cast<unsigned>(layout.num_chunks)};
  const Extent block{kSampleThreads};
  launch("sample_scan_kernel", sample_scan_kernel<E, kPacked>, chunks, block, 0, stream, params, layout);
  if (plan.weigh) {
    launch("sample_weigh_kernel", sample_weigh_kernel<E, kPacked>, chunks, block, 0, stream, params, layout);
  }
  if (plan.collect) {
    launch("sample_collect_kernel", sample_collect_kernel<E, kPacked>, chunks, block, 0, stream, params, layout);
  }
  launch("sample_draw_kernel", sample_draw_kernel<E, kPacked>, rows, block, plan.shared_bytes, stream, params, layout);
}

template <class E, bool kPacked>
void launch_as(const TokenLogprobsParams& params, const TokenLogprobsPlan& plan, Stream stream) {
  const Extent chunks{static_cast<unsigned>(params.rows) * static_cast<unsigned>(plan.num_chunks)};
  launch("measure_kernel", measure_kernel<E, kPacked>, chunks, Extent{kSampleThreads}, 0, stream, params, plan.num_chunks);
  launch("token_logprobs_kernel", token_logprobs_kernel<E>, Extent{static_cast<unsigned>(params.rows)}, Extent{kSampleThreads},
         0, stream, params, plan.num_chunks);
}

template <class Params, class Plan>
void launch_type(const Params& params, const Plan& plan, Stream stream) {
  if (params.type == ElementType::kF32) {
    plan.packed ? launch_as<float, true>(params, plan, stream) : launch_as<float, false>(params, plan, stream);
  } else {
    plan.packed ? launch_as<Bf16, true>(params, plan, stream) : launch_as<Bf16, false>(params, plan, stream);
  }
}

}  // namespace

void launch_sample(const SampleParams& params, const SamplePlan& plan, Stream stream) { launch_type(params, plan, stream); }

void launch_token_logprobs(const TokenLogprobsParams& params, const TokenLogprobsPlan& plan, Stream stream) {
  launch_type(params, plan, stream);
}

}  // namespace msc::cuda
