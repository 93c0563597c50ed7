#include "cuda/rope/rope_append_kernel.h"

namespace msc::cuda {
namespace {

template <class E, KvType kType>
void launch_as(const RopeAppendParams& params, const RopeAppendPlan& plan, Stream stream) {
  launch("rope_append_kernel", rope_append_kernel<E, kType>, Extent{static_cast<unsigned>(params.tokens) * plan.blocks_of_token},
         Extent{kRopeWarps * kWarp}, plan.shared_bytes, stream, params, plan.blocks_of_token);
}

template <class E>
void launch_type(const RopeAppendParams& params, const RopeAppendPlan& plan, Stream stream) {
  switch (params.pages.type) {
    case KvType::kBf16:
      return launch_as<E, KvType::kBf16>(params, plan, stream);
    case KvType::kF8E4M3:
      return launch_as<E, KvType::kF8E4M3>(params, plan, stream);
    case KvType::kI8:
      return launch_as<E, KvType::kI8>(params, plan, stream);
  }
}

}  // namespace

void launch_rope_append(const RopeAppendParams& params, const RopeAppendPlan& plan, Stream stream) {
  params.type == ElementType::kF32 ? launch_type<float>(params, plan, stream) : launch_type<Bf16>(params, plan, stream);
}

}  // namespace msc::cuda
