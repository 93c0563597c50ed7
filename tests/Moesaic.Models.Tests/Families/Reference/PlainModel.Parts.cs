namespace Moesaic.Models.Tests.Families.Reference;

/// <content>Feed-forward blocks and what all blocks are made of.</content>
internal sealed partial class PlainModel
{
    private bool HasExperts(int layer) => _c.Architecture switch
    {
        "MixtralForCausalLM" or "OlmoeForCausalLM" or "GptOssForCausalLM" => true,
        "Qwen3MoeForCausalLM" => NumExperts > 0 && (layer + 1) % _c.Int("decoder_sparse_step", 1) == 0 && _c.Array("mlp_only_layers")?.Any(l => l!.GetValue<int>() == layer) != true,
        "DeepseekV2ForCausalLM" or "DeepseekV3ForCausalLM" => NumExperts > 0 && layer >= _c.Int("first_k_dense_replace") && layer % _c.Int("moe_layer_freq", 1) == 0,
        "Dots1ForCausalLM" or "BailingMoeV2ForCausalLM" => layer >= _c.Int("first_k_dense_replace"),
        _ => false,
    };

    private int NumExperts => _c.Int("num_experts", _c.Int("n_routed_experts", _c.Int("num_local_experts")));

    private double[][] Experts(string p, double[][] x)
    {
        bool mixtral = _c.Architecture == "MixtralForCausalLM", gptOss = _c.Architecture == "GptOssForCausalLM";
        string router = p + (mixtral ? "block_sparse_moe.gate" : gptOss ? "mlp.router" : "mlp.gate");
        double[][] logits = Linear(router, NumExperts, _c.Hidden, x, gptOss);
        bool biased = Is3 || _c.Architecture == "Dots1ForCausalLM" || (IsLing && _c.Flag("moe_router_enable_expert_bias"));
        float[]? bias = biased ? _weights.Get(p + (IsLing ? "mlp.gate.expert_bias" : "mlp.gate.e_score_correction_bias"), NumExperts) : null;
        int width = _c.Int("moe_intermediate_size", _c.Int("intermediate_size"));
        double[][] result = [.. x.Select((row, t) =>
        {
            double[] sum = new double[_c.Hidden];
            foreach ((int expert, double weight) in PlainExperts.Choose(_c, logits[t], bias))
            {
                double[] y = gptOss ? ClampedExpert(p + "mlp.experts.", expert, width, row) : mixtral
                    ? Mlp($"{p}block_sparse_moe.experts.{expert}.", width, [row], false, "w1", "w3", "w2")[0]
                    : Mlp($"{p}mlp.experts.{expert}.", width, [row], false)[0];
                for (int d = 0; d < sum.Length; d++)
                {
                    sum[d] += weight * y[d];
                }
            }

            return sum;
        })];
        for (int expert = 0; expert < NumExperts && !gptOss; expert++)
        {
            // Also those that no token got.
            string one = mixtral ? $"{p}block_sparse_moe.experts.{expert}." : $"{p}mlp.experts.{expert}.";
            _ = Mlp(one, width, [], false, mixtral ? "w1" : "gate_proj", mixtral ? "w3" : "up_proj", mixtral ? "w2" : "down_proj");
        }

        int shared = _c.Int("n_shared_experts", _c.Int("num_shared_experts"));
        return shared == 0 ? result : Sum(result, Mlp(p + "mlp.shared_experts.", shared * width, x, false));
    }

    // Rows of gate and up alternate, and input features come first.
    private double[] ClampedExpert(string p, int expert, int width, double[] x)
    {
        (int experts, int hidden) = (NumExperts, _c.Hidden);
        float[] gateUp = _weights.Get(p + "gate_up_proj", experts, hidden, 2 * width), gateUpBias = _weights.Get(p + "gate_up_proj_bias", experts, 2 * width);
        float[] down = _weights.Get(p + "down_proj", experts, width, hidden), downBias = _weights.Get(p + "down_proj_bias", experts, hidden);
        double limit = _c.Number("swiglu_limit", 7), alpha = _c.Number("swiglu_alpha", 1.702);
        double[] both = [.. Enumerable.Range(0, 2 * width).Select(r => gateUpBias[(expert * 2 * width) + r] + Enumerable.Range(0, hidden).Sum(d => x[d] * gateUp[(((expert * hidden) + d) * 2 * width) + r]))];
        double[] inner = [.. Enumerable.Range(0, width).Select(i =>
        {
            double gate = Math.Min(both[2 * i], limit), up = Math.Clamp(both[(2 * i) + 1], -limit, limit);
            return gate / (1 + Math.Exp(-alpha * gate)) * (up + 1);
        })];
        return [.. Enumerable.Range(0, hidden).Select(d => downBias[(expert * hidden) + d] + Enumerable.Range(0, width).Sum(i => inner[i] * down[(((expert * width) + i) * hidden) + d]))];
    }

    private double[][] Mlp(string p, int width, double[][] x, bool bias, string gateName = "gate_proj", string upName = "up_proj", string downName = "down_proj")
    {
        double[][] gate, up;
        if (_c.Architecture == "Phi3ForCausalLM")
        {
            double[][] both = Linear(p + "gate_up_proj", 2 * width, _c.Hidden, x);
            (gate, up) = ([.. both.Select(r => r[..width])], [.. both.Select(r => r[width..])]);
        }
        else
        {
            gate = Linear(p + gateName, width, _c.Hidden, x, bias);
            up = Linear(p + upName, width, _c.Hidden, x, bias);
        }

        bool tanh = IsGemma || _c.Text("hidden_act") == "gelu_pytorch_tanh";
        double[][] inner = [.. gate.Zip(up, (g, u) => g.Zip(u, (a, b) => b * (tanh ? 0.5 * a * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (a + (0.044715 * a * a * a)))) : a / (1 + Math.Exp(-a)))).ToArray())];
        return Linear(p + downName, _c.Hidden, width, inner, bias);
    }

    private double[][] Linear(string name, int rows, int cols, double[][] x, bool bias = false)
    {
        double[][] y = Map(name + ".weight", rows, cols, x);
        return bias ? Sum(y, [.. y.Select(_ => _weights.Get(name + ".bias", rows).Select(b => (double)b).ToArray())]) : y;
    }

    private double[][] Map(string name, int rows, int cols, double[][] x)
    {
        float[] matrix = _weights.Get(name, rows, cols);
        return [.. x.Select(input =>
        {
            double[] output = new double[rows];
            for (int r = 0; r < rows; r++)
            {
                double sum = 0;
                for (int k = 0; k < cols; k++)
                {
                    sum += matrix[(r * cols) + k] * input[k];
                }

                output[r] = sum;
            }

            return output;
        })];
    }

    private double[][] Norms(string name, double[][] x, double? epsilon = null) => [.. x.Select(row => Norm(name, row, epsilon ?? _c.Epsilon))];

    private double[] Norm(string name, double[] x, double epsilon)
    {
        float[] weight = _weights.Get(name + ".weight", x.Length);
        double factor = 1 / Math.Sqrt(x.Average(v => v * v) + epsilon);
        return [.. x.Select((v, i) => v * factor * (weight[i] + (IsGemma ? 1 : 0)))];
    }

    private static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (v, w) => v + w).ToArray())];
}
