#include "cuda/embedding/embedding_kernel.h"

namespace msc::cuda {
namespace {

template <class Table, class Out>
void launch_as(const EmbeddingParams& params, const EmbeddingPlan& plan, Stream stream) {
  launch("embedding_kernel", embedding_kernel<Table, Out>, Extent{static_cast<unsigned>(params.tokens) * plan.blocks_of_row},
         Extent{plan.threads}, 0, stream, params, plan.blocks_of_row);
}

}  // namespace

void launch_embedding(const EmbeddingParams& params, const EmbeddingPlan& plan, Stream stream) {
  const bool table_is_f32 = params.table_type == ElementType::kF32;
  if (params.out_type == ElementType::kF32) {
    table_is_f32 ? launch_as<float, float>(params, plan, stream) : launch_as<Bf16, float>(params, plan, stream);
  } else {
    table_is_f32 ? launch_as<float, Bf16>(params, plan, stream) : launch_as<Bf16, Bf16>(params, plan, stream);
  }
}

}  // namespace msc::cuda
