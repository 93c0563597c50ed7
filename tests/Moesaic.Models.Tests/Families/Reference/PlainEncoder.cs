using System.Text.Json.Nodes;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>
/// BERT and XLM-R as their published code has them, from config.json and tensors alone, in double: embeddings of words, positions
/// and the first token type under a norm; layers whose norms follow the sums. XLM-R counts positions from the row after its
/// padding id's.
/// </summary>
internal sealed class PlainEncoder(JsonObject json, PlainWeights weights, string prefix = "", bool oldNorms = false)
{
    private readonly PlainConfig _c = new(json);
    private readonly PlainMaps _maps = new(weights);

    /// <summary>The last hidden state of one text without padding, [tokens][width].</summary>
    public double[][] Hidden(int[] ids)
    {
        int first = _c.Text("model_type") == "xlm-roberta" ? _c.Int("pad_token_id", 1) + 1 : 0;
        string p = prefix + "embeddings.";
        double[][] x = _maps.Rows(p + "word_embeddings.weight", _c.Vocabulary, _c.Hidden, ids);
        x = PlainMaps.Sum(x, _maps.Rows(p + "position_embeddings.weight", _c.Int("max_position_embeddings"), _c.Hidden, Enumerable.Range(first, ids.Length)));
        x = PlainMaps.Sum(x, _maps.Rows(p + "token_type_embeddings.weight", _c.Int("type_vocab_size", 2), _c.Hidden, ids.Select(_ => 0)));
        x = Norm(p + "LayerNorm", x);
        for (int layer = 0; layer < _c.Layers; layer++)
        {
            x = Layer($"{prefix}encoder.layer.{layer}.", x);
        }

        return x;
    }

    /// <summary>Mean over the tokens, then length one.</summary>
    public static double[] Pool(double[][] hidden)
    {
        double[] mean = [.. Enumerable.Range(0, hidden[0].Length).Select(d => hidden.Average(row => row[d]))];
        double length = Math.Sqrt(mean.Sum(v => v * v));
        return Array.ConvertAll(mean, v => v / length);
    }

    private double[][] Layer(string p, double[][] x)
    {
        (int width, int heads, int inner) = (_c.Hidden, _c.Heads, _c.Int("intermediate_size"));
        double[][] q = Map("query"), k = Map("key"), v = Map("value");
        double[][] attended = PlainMaps.Attend(q, k, v, heads, 1 / Math.Sqrt((double)width / heads), static (_, _, _) => 0);
        x = Norm(p + "attention.output.LayerNorm", PlainMaps.Sum(x, _maps.Linear(p + "attention.output.dense", width, attended, width, bias: true)));
        double[][] up = _maps.Linear(p + "intermediate.dense", inner, x, width, bias: true);
        double[][] down = _maps.Linear(p + "output.dense", width, [.. up.Select(row => Array.ConvertAll(row, Activate))], inner, bias: true);
        return Norm(p + "output.LayerNorm", PlainMaps.Sum(x, down));

        double[][] Map(string name) => _maps.Linear($"{p}attention.self.{name}", width, x, width, bias: true);
    }

    private double Activate(double x) => _c.Text("hidden_act") is "gelu_new" or "gelu_pytorch_tanh"
        ? 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))))
        : 0.5 * x * (1 + PlainMaps.Erf(x / Math.Sqrt(2)));

    private double[][] Norm(string name, double[][] x) =>
        _maps.LayerNorm(name + (oldNorms ? ".gamma" : ".weight"), name + (oldNorms ? ".beta" : ".bias"), x, _c.Number("layer_norm_eps", 1e-12));
}
