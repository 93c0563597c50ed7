// Shapes of real models, run in --time mode alone.
#include "tests/ops/linear_rig.h"

namespace optest {
namespace {

struct Matrix {
  const char* model;
  int64_t outputs, cols;
};

void time_product(Session& session, int32_t format, const Matrix& matrix, int64_t num_rows) {
  const TestWeight weight = make_weight(session, format, matrix.outputs, matrix.cols);
  GuardedTensor& input =
      session.input("input", num_rows, matrix.cols, session.rng().normals(num_rows * matrix.cols));
  GuardedTensor& out = session.output("out", num_rows, matrix.outputs);
  msc_linear_params params = linear_params(MSC_PRECISION_FAST, MSC_EPILOGUE_STORE, input);
  add_target(params, weight, &out.view());
  session.run([&] { return msc_op_linear(session.stream(), &params); },
              linear_work(session, weight, MSC_PRECISION_FAST, num_rows));
}

OP_CASES(linear_timed) {
  constexpr Matrix kMatrices[] = {{"smollm2", 1536, 576},   {"smollm2", 576, 1536}, {"smollm2_head", 49152, 576},
                                  {"ling_mini", 5120, 2048}, {"llama_8b", 14336, 4096}};
  for (const int32_t format : kLinearFormats) {
    for (const Matrix& matrix : kMatrices) {
      uint64_t block = 0, bytes = 0;
      msc_format_block(format, &block, &bytes);
      if (static_cast<uint64_t>(matrix.cols) % block != 0) {
        continue;
      }
      for (const int64_t num_rows : {1, 8, 512}) {
        if (matrix.outputs > 10000 && num_rows > 8) {
          continue;
        }
        add_timed_case("linear",
                       format_name(format) + "_" + matrix.model + "_" + std::to_string(num_rows) + "x" +
                           std::to_string(matrix.outputs) + "x" + std::to_string(matrix.cols),
                       [=](Session& session) { time_product(session, format, matrix, num_rows); });
      }
    }
  }
}

}  // namespace
}  // namespace optest
