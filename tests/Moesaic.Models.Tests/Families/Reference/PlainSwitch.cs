using System.Text.Json.Nodes;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>
/// Switch Transformer as its published code has it, from config.json and tensors alone, in double: T5's two halves with a bias of
/// relative positions that the first layer of each has for all, unscaled scores, and feed-forward blocks of which some route a
/// token to its best expert as long as that has room.
/// </summary>
internal sealed class PlainSwitch
{
    private readonly PlainConfig _c;
    private readonly PlainWeights _weights;
    private readonly PlainMaps _maps;
    private readonly int _hidden;
    private readonly int _heads;
    private readonly int _width;

    public PlainSwitch(JsonObject json, PlainWeights weights)
    {
        _c = new PlainConfig(json);
        _weights = weights;
        _maps = new PlainMaps(weights);
        (_hidden, _heads, _width) = (_c.Int("d_model"), _c.Int("num_heads"), _c.Int("num_heads") * _c.Int("d_kv"));
    }

    /// <summary>Tokens that found their expert full, so far.</summary>
    public int Dropped { get; private set; }

    private double Epsilon => _c.Number("layer_norm_epsilon", 1e-6);

    /// <summary>Logits of every position of the output, given the input.</summary>
    public double[][] Logits(int[] input, int[] output)
    {
        int layers = _c.Int("num_layers"), decoderLayers = _c.Int("num_decoder_layers", layers);
        double[][] x = Embed(input);
        for (int i = 0; i < layers; i++)
        {
            string p = $"encoder.block.{i}.layer.";
            x = SelfAttention(p + "0.", "encoder", x, bidirectional: true);
            x = FeedForward(p + "1.", x, IsSparse(i, "encoder_sparse_step", layers, "num_sparse_encoder_layers"));
        }

        double[][] read = Norm("encoder.final_layer_norm", x);
        x = Embed(output);
        for (int i = 0; i < decoderLayers; i++)
        {
            string p = $"decoder.block.{i}.layer.";
            x = SelfAttention(p + "0.", "decoder", x, bidirectional: false);
            x = Attention(p + "1.layer_norm", p + "1.EncDecAttention.", x, read, static (_, _, _) => 0);
            x = FeedForward(p + "2.", x, IsSparse(i, "decoder_sparse_step", decoderLayers, "num_sparse_decoder_layers"));
        }

        x = Norm("decoder.final_layer_norm", x);
        bool tied = _c.Flag("tie_word_embeddings", true);
        double scale = tied ? 1 / Math.Sqrt(_hidden) : 1;
        return _maps.Linear(tied ? "shared.weight" : "lm_head.weight", null, _c.Vocabulary, [.. x.Select(row => Array.ConvertAll(row, v => v * scale))], _hidden);
    }

    private static bool IsEvery(int layer, int step) => step == 1 || (step > 1 && layer % step == 1);

    private bool IsSparse(int layer, string stepKey, int layers, string countKey)
    {
        int count = _c.Int(countKey, 3);
        return IsEvery(layer, _c.Int(stepKey, count > 0 ? layers / count : layers));
    }

    private double[][] Embed(int[] ids) => _maps.Rows("shared.weight", _c.Vocabulary, _hidden, ids);

    private double[][] Norm(string name, double[][] x) => _maps.RmsNorm(name, x, Epsilon);

    private double[][] SelfAttention(string p, string half, double[][] x, bool bidirectional)
    {
        int buckets = _c.Int("relative_attention_num_buckets", 32);
        float[] bias = _weights.Get(half + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight", buckets, _heads);
        return Attention(p + "layer_norm", p + "SelfAttention.", x, null, (i, j, h) => bidirectional || j <= i ? bias[(Bucket(j - i, bidirectional, buckets) * _heads) + h] : double.NegativeInfinity);
    }

    private double[][] Attention(string norm, string p, double[][] x, double[][]? others, Func<int, int, int, double> offset)
    {
        double[][] normed = Norm(norm, x), source = others ?? normed;
        double[][] q = _maps.Linear(p + "q", _width, normed, _hidden), k = _maps.Linear(p + "k", _width, source, _hidden), v = _maps.Linear(p + "v", _width, source, _hidden);
        return PlainMaps.Sum(x, _maps.Linear(p + "o", _hidden, PlainMaps.Attend(q, k, v, _heads, 1, offset), _width));
    }

    // Half of the buckets (of a direction's) are exact, the rest grow with the logarithm; computed in float32, as published.
    private int Bucket(int distance, bool bidirectional, int buckets)
    {
        int ahead = 0;
        if (bidirectional)
        {
            buckets /= 2;
            ahead = distance > 0 ? buckets : 0;
        }

        int apart = Math.Abs(distance), exact = buckets / 2;
        float furthest = (float)Math.Log(_c.Number("relative_attention_max_distance", 128) / exact);
        return ahead + (apart < exact ? apart : Math.Min(buckets - 1, exact + (int)(MathF.Log((float)apart / exact) / furthest * (buckets - exact))));
    }

    private double[][] FeedForward(string p, double[][] x, bool sparse)
    {
        double[][] normed = Norm(p + "layer_norm", x);
        return PlainMaps.Sum(x, sparse ? Experts(p + "mlp.", normed) : Dense(p + "mlp.", normed));
    }

    private double[][] Dense(string p, double[][] x)
    {
        int inner = _c.Int("d_ff");
        double[][] up = _maps.Linear(p + "wi", inner, x, _hidden);
        return _maps.Linear(p + "wo", _hidden, [.. up.Select(row => Array.ConvertAll(row, v => Math.Max(0, v)))], inner);
    }

    private double[][] Experts(string p, double[][] x)
    {
        int experts = _c.Int("num_experts", 8), capacity = _c.Int("expert_capacity", 64);
        double[][] logits = _maps.Linear(p + "router.classifier", experts, x, _hidden, _c.Flag("router_bias"));
        for (int e = 0; e < experts; e++)
        {
            // Also those that no token gets.
            Dense($"{p}experts.expert_{e}.", []);
        }

        int[] taken = new int[experts];
        return [.. x.Select((row, t) =>
        {
            int best = Array.IndexOf(logits[t], logits[t].Max());
            if (++taken[best] > capacity)
            {
                Dropped++;
                return new double[_hidden];
            }

            double share = 1 / logits[t].Sum(z => Math.Exp(z - logits[t][best]));
            return Array.ConvertAll(Dense($"{p}experts.expert_{best}.", [row])[0], v => v * share);
        })];
    }
}
