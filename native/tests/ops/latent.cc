#include "tests/ops/latent_rig.h"

namespace optest {
namespace {

/// Both forms in one prefill of all sequences, against the reference and each other.
void check_forms(Session& session, const LatentShape& shape, const std::vector<int64_t>& lengths) {
  LatentRig rig(session, shape, lengths);
  std::vector<Part> parts;
  for (size_t s = 0; s < lengths.size(); ++s) {
    parts.push_back({s, 0, lengths[s]});
  }
  std::vector<std::vector<float>> absorbed;
  for (const Form form : {Form::kAbsorbed, Form::kExpanded}) {
    rig.step(parts, form);
    for (size_t s = 0; s < lengths.size(); ++s) {
      rig.expect_reference(s, 0, lengths[s]);
      if (form == Form::kAbsorbed) {
        absorbed.push_back(rig.outputs(s));
      } else {
        expect_nmse(rig.outputs(s), absorbed[s], 1e-10, "expanded against absorbed");
      }
    }
  }
}

/// The same sequences in one go, in uneven chunks and token by token give the same bits.
void check_invariance(Session& session, const LatentShape& shape, Form form) {
  const std::vector<int64_t> lengths = {kChunk + 9, 45};
  LatentRig rig(session, shape, lengths);
  rig.step({{0, 0, lengths[0]}, {1, 0, lengths[1]}}, form);
  const std::vector<float> whole[] = {rig.outputs(0), rig.outputs(1)};
  rig.expect_reference(0, kChunk - 3, lengths[0]);
  for (int64_t begin = 0, size = 1; begin < lengths[0]; begin += size, size = size * 2 % 101 + 3) {
    const int64_t end = std::min(begin + size, lengths[0]);
    std::vector<Part> parts = {{0, begin, end}};
    if (begin < lengths[1]) {
      parts.insert(parts.begin(), {1, begin, std::min(begin + size, lengths[1])});
    }
    rig.step(parts, form);
  }
  expect_bits_equal(rig.outputs(0), whole[0], "chunked prefill");
  expect_bits_equal(rig.outputs(1), whole[1], "chunked prefill, second sequence");
  for (int64_t p = kChunk - 2; p < lengths[0]; ++p) {
    rig.step({{0, p, p + 1}}, form);
  }
  expect_bits_equal(rig.outputs(0), whole[0], "token by token");
}

/// A long context is cut into pieces over threads; a batch of others does not change that.
void check_long_decode(Session& session, const LatentShape& shape, Form form) {
  const int64_t length = 5 * kChunk + 11;
  LatentRig rig(session, shape, {length, 20, 300});
  rig.step({{0, 0, length}, {1, 0, 20}, {2, 0, 300}}, form);
  const std::vector<float> whole = rig.outputs(0);
  rig.expect_reference(0, length - 1, length);
  rig.step({{0, length - 1, length}}, form);
  expect_bits_equal(rig.outputs(0), whole, "alone");
  rig.step({{1, 3, 20}, {0, length - 1, length}, {2, 200, 300}}, form);
  expect_bits_equal(rig.outputs(0), whole, "in a batch");
}

/// y[m, h] = W_h x[m, h] of every native format, in a wider frame of channels.
void check_head_linear(Session& session, int32_t format, int32_t precision, int64_t heads, int64_t rows, int64_t cols,
                       int64_t num_rows) {
  const TestWeight weight = make_weight(session, format, rows, cols, heads, 1.0 / std::sqrt(static_cast<double>(cols)));
  const int64_t input_width = cols + 5;
  const int64_t out_width = rows + 3;
  const std::vector<float> x = session.rng().normals(num_rows * heads * input_width);
  const std::vector<float> before = session.rng().normals(num_rows * heads * out_width);
  GuardedTensor& out = session.inout("out", num_rows, heads * out_width, before, {.row_padding = 3});
  msc_head_linear_params params = {};
  params.struct_size = sizeof params;
  params.precision = precision;
  params.weight = weight.handle;
  params.input = session.input("input", num_rows, heads * input_width, x, {.row_padding = 1});
  params.out = out;
  session.run([&] { return msc_op_head_linear(session.stream(), &params); });
  const std::vector<float> actual = out.floats();
  std::vector<float> expected, computed;
  for (int64_t m = 0; m < num_rows; ++m) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto at = static_cast<size_t>((m * heads + h) * input_width);
      const std::vector<float> row = rounded_input(session, format, precision,
                                                   std::vector<float>(x.begin() + static_cast<int64_t>(at), x.begin() + static_cast<int64_t>(at) + cols));
      for (int64_t r = 0; r < out_width; ++r) {
        const auto o = static_cast<size_t>((m * heads + h) * out_width + r);
        if (r >= rows) {
          EXPECT_EQ(std::bit_cast<uint32_t>(actual[o]), std::bit_cast<uint32_t>(before[o])) << "channel past the head's rows";
          continue;
        }
        double sum = 0;
        for (int64_t c = 0; c < cols; ++c) {
          sum += static_cast<double>(weight.values[static_cast<size_t>((h * rows + r) * cols + c)]) *
                 static_cast<double>(row[static_cast<size_t>(c)]);
        }
        expected.push_back(static_cast<float>(sum));
        computed.push_back(actual[o]);
      }
    }
  }
  expect_nmse(computed, expected, 1e-10, "head_linear");
}

void check_refusals(Session& session) {
  LatentRig rig(session, {}, {4});
  const auto refuse_cache = [&](auto change, const std::vector<std::string>& parts) {
    msc_kv_cache_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.num_layers = desc.num_kv_heads = desc.num_pages = 1;
    desc.k_width = 48;
    desc.latent_width = 32;
    desc.page_tokens = 16;
    change(desc);
    msc_kv_cache* cache = nullptr;
    session.run_refused([&] { return msc_kv_cache_create(session.device(), &desc, &cache); }, MSC_STATUS_BAD_ARGUMENT, parts);
  };
  refuse_cache([](auto& d) { d.latent_width = 48; }, {"latent_width", "48", "47"});
  refuse_cache([](auto& d) { d.v_width = 32; }, {"v_width", "32"});
  refuse_cache([](auto& d) { d.num_kv_heads = 2; }, {"num_kv_heads", "2"});
  refuse_cache([](auto& d) { d.latent_width = 0; }, {"v_width is 0", "latent_width"});

  Sequence sequence;
  sequence.token_ids = {0};
  sequence.page_tables = {{0}};
  msc_batch* batch = make_batch(session, {sequence}, 1);
  const std::vector<float> zeros(4 * 48, 0.0f);
  msc_attention_params attention = {};
  attention.struct_size = sizeof attention;
  attention.num_q_heads = 4;
  attention.q = session.input("q", 1, 4 * 48, zeros);
  attention.out = session.output("out", 1, 4 * 32);
  attention.sinks = session.input("sinks", 1, 4, std::vector<float>(4, 0.0f));
  attention.scale = 1;
  attention.causal = 1;
  session.run_refused([&] { return msc_op_attention(session.stream(), batch, rig.cache(), &attention); },
                      MSC_STATUS_BAD_ARGUMENT, {"sinks", "latent"});
  msc_rope_append_params append = {};
  append.struct_size = sizeof append;
  append.num_q_heads = 4;
  session.run_refused([&] { return msc_op_rope_append(session.stream(), batch, rig.cache(), &append); },
                      MSC_STATUS_BAD_ARGUMENT, {"latent", "msc_op_latent_append"});
}

OP_CASES(latent) {
  const auto forms = [](const LatentShape& shape, const std::vector<int64_t>& lengths) {
    std::string name = text("forms_", shape.name());
    for (const int64_t length : lengths) {
      name += text("_", length);
    }
    add_case("latent", name, [=](Session& session) { check_forms(session, shape, lengths); });
  };
  for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
    forms({.format = format}, {1, 17, 50});
    forms({.heads = 16, .format = format, .page_tokens = 48}, {70, 3});
    forms({.heads = 21, .latent = 19, .rotated = 6, .nope = 7, .value = 5, .format = format, .pairing = MSC_ROPE_PAIRING_HALF_SPLIT}, {33});
  }
  forms({.heads = 80, .latent = 40, .rotated = 8, .nope = 12, .value = 9}, {20, 2});
  forms({.heads = 2, .latent = 512, .rotated = 64, .nope = 128, .value = 128, .format = MSC_FORMAT_BF16, .page_tokens = 64}, {66});
  for (const int64_t length : {int64_t{63}, int64_t{64}, int64_t{65}, kChunk - 1, kChunk, kChunk + 1, 2 * kChunk + 1}) {
    forms({.heads = 3, .latent = 16, .rotated = 4, .nope = 8, .value = 8, .page_tokens = 32}, {length});
  }
  for (const Form form : {Form::kAbsorbed, Form::kExpanded}) {
    const char* name = form == Form::kAbsorbed ? "absorbed_" : "expanded_";
    for (const int32_t format : {MSC_FORMAT_F32, MSC_FORMAT_BF16, MSC_FORMAT_I8}) {
      const LatentShape shape = {.heads = 20, .latent = 24, .rotated = 8, .nope = 8, .value = 8, .format = format, .page_tokens = 48};
      add_case("latent", text("invariance_", name, shape.name()), [=](Session& s) { check_invariance(s, shape, form); });
    }
    const LatentShape shape = {.heads = 3, .latent = 16, .rotated = 4, .nope = 8, .value = 8};
    add_case("latent", text("long_decode_", name, shape.name()), [=](Session& s) { check_long_decode(s, shape, form); });
  }
  for (const int32_t format : kLinearFormats) {
    for (const int32_t precision : {MSC_PRECISION_REFERENCE, MSC_PRECISION_FAST}) {
      for (const int64_t num_rows : {1, 3, 130}) {
        add_case("latent", text("head_linear_", format_name(format), "_", precision_name(precision), "_m", num_rows),
                 [=](Session& s) { check_head_linear(s, format, precision, 3, 37, 256, num_rows); });
      }
    }
  }
  add_case("latent", "refusals", check_refusals);
}

}  // namespace
}  // namespace optest
