using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Tests.Decoder.Plain;

/// <summary>
/// The forward pass of a described decoder with loops, in double, on float32 tensors: attention without rotation, dense MLPs and
/// experts. One sequence; what it saw stays for its next step.
/// </summary>
internal sealed class PlainDecoder
{
    private readonly DecoderDescription _decoder;
    private readonly ICheckpoint _checkpoint;
    private readonly List<double[]>[] _keys;
    private readonly List<double[]>[] _values;

    public PlainDecoder(DecoderDescription decoder, ICheckpoint checkpoint)
    {
        _decoder = decoder;
        _checkpoint = checkpoint;
        _keys = [.. decoder.Layers.Select(_ => new List<double[]>())];
        _values = [.. decoder.Layers.Select(_ => new List<double[]>())];
        Routers = [.. decoder.Layers.Select(l => l.FeedForward is MoeDescription moe ? new PlainRouter(moe.Router, moe.NumExperts) : null)];
    }

    public PlainRouter?[] Routers { get; }

    /// <summary>Logits of the next tokens.</summary>
    public double[][] Step(int[] ids)
    {
        double[][] x = [.. ids.Select(id => Row(_decoder.Embedding, 0, id).Select(v => v * _decoder.EmbeddingScale).ToArray())];
        for (int l = 0; l < _decoder.Layers.Length; l++)
        {
            LayerDescription layer = _decoder.Layers[l];
            double[][] normed = [.. x.Select(row => Norm(layer.AttentionNorm, row))];
            for (int t = 0; t < x.Length; t++)
            {
                Add(x[t], Attend(layer.Attention, l, normed[t]));
            }

            normed = [.. x.Select(row => Norm(layer.FeedForwardNorm, row))];
            double[][] mixed = layer.FeedForward is MoeDescription moe ? Mix(moe, Routers[l]!, normed) : [.. normed.Select(row => Mlp((MlpDescription)layer.FeedForward, row))];
            for (int t = 0; t < x.Length; t++)
            {
                Add(x[t], mixed[t]);
            }
        }

        return [.. x.Select(row => Multiply(_decoder.OutputHead?.Weight ?? _decoder.Embedding, 0, Norm(_decoder.OutputNorm, row)))];
    }

    private double[] Attend(AttentionDescription a, int layer, double[] x)
    {
        double[] query = Multiply(a.Input[0].Weight, 0, x);
        _keys[layer].Add(Multiply(a.Input[1].Weight, 0, x));
        _values[layer].Add(Multiply(a.Input[2].Weight, 0, x));
        double[] result = new double[a.OutputWidth];
        for (int h = 0; h < a.NumHeads; h++)
        {
            int shared = h / (a.NumHeads / a.NumKeyValueHeads);
            double[] scores = [.. _keys[layer].Select(key => a.Scale * Enumerable.Range(0, a.KeyWidth).Sum(d => query[(h * a.KeyWidth) + d] * key[(shared * a.KeyWidth) + d]))];
            double[] weights = [.. scores.Select(s => Math.Exp(s - scores.Max()))];
            for (int d = 0; d < a.ValueWidth; d++)
            {
                result[(h * a.ValueWidth) + d] = weights.Select((w, j) => w * _values[layer][j][(shared * a.ValueWidth) + d]).Sum() / weights.Sum();
            }
        }

        return Multiply(a.Output.Weight, 0, result);
    }

    private double[][] Mix(MoeDescription moe, PlainRouter router, double[][] x)
    {
        (int Expert, double Weight)[][] chosen = router.Step([.. x.Select(row => Multiply(moe.Router.Weight, 0, row))]);
        return [.. x.Select((row, t) =>
        {
            double[] sum = new double[row.Length];
            foreach ((int expert, double weight) in chosen[t])
            {
                Add(sum, Gated(moe.Activation, moe.Gate!, moe.Up, moe.Down, expert, row), weight);
            }

            if (moe.Shared is { } shared)
            {
                Add(sum, Mlp(shared, row));
            }

            return sum;
        })];
    }

    private double[] Mlp(MlpDescription mlp, double[] x) => Gated(mlp.Activation, mlp.Gate!.Weight, mlp.Up.Weight, mlp.Down.Weight, 0, x);

    private double[] Gated(FeedForwardActivation activation, MatrixSource gate, MatrixSource up, MatrixSource down, int expert, double[] x)
    {
        double[] gated = Multiply(gate, expert, x);
        return Multiply(down, expert, [.. Multiply(up, expert, x).Select((u, i) => u * Activate(activation, gated[i]))]);
    }

    private static double Activate(FeedForwardActivation activation, double x) => activation switch
    {
        FeedForwardActivation.Silu => x / (1 + Math.Exp(-x)),
        FeedForwardActivation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        _ => throw new NotSupportedException(),
    };

    private double[] Norm(NormDescription norm, double[] x)
    {
        ReadOnlySpan<float> weight = Values(norm.Weight.Tensor);
        double factor = 1 / Math.Sqrt(x.Average(v => v * v) + norm.Epsilon);
        double[] result = new double[x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            result[i] = weight[i] * x[i] * factor;
        }

        return result;
    }

    private double[] Multiply(MatrixSource matrix, int expert, double[] x) =>
        [.. Enumerable.Range(0, (int)matrix.Rows).Select(r => Row(matrix, expert, r).Select((w, i) => w * x[i]).Sum())];

    private double[] Row(MatrixSource matrix, int expert, int row)
    {
        MatrixSlice slice = matrix.Slices.Single(s => s.Expert == expert && row >= s.TargetRow && row < s.TargetRow + s.NumRows);
        long first = (slice.SourceRow + ((row - slice.TargetRow) * slice.SourceStep)) * matrix.Cols;
        double[] values = new double[matrix.Cols];
        ReadOnlySpan<float> stored = Values(slice.Tensor).Slice((int)first, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = stored[i];
        }

        return values;
    }

    private readonly Dictionary<string, byte[]> _bytes = new(StringComparer.Ordinal);

    private ReadOnlySpan<float> Values(string tensor)
    {
        if (!_bytes.TryGetValue(tensor, out byte[]? bytes))
        {
            bytes = EditedCheckpoint.BytesOf(_checkpoint.GetTensor(tensor));
            _bytes[tensor] = bytes;
        }

        return MemoryMarshal.Cast<byte, float>(bytes);
    }

    private static void Add(double[] to, double[] from, double factor = 1)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] += factor * from[i];
        }
    }
}
