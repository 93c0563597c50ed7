using Moesaic.Interop;
using Moesaic.Models.Export;

namespace Moesaic.Models.Decoder;

/// <summary>Sums up what matrices are multiplied with while a model runs. Reads every input back to the host: for calibration alone.</summary>
internal sealed class InputCollector(LoadedDecoder decoder, ComputeStream stream, ImportanceMatrix importance)
{
    public ImportanceMatrix Importance { get; } = importance;

    /// <param name="weight">The matrix.</param>
    /// <param name="input">[rows, columns] before the norm.</param>
    /// <param name="norm">The norm on its way in; may be absent.</param>
    public void Add(Weight weight, in Tensor input, in PreparedNorm norm)
    {
        if (decoder.NameOf(weight) is not { } name)
        {
            return;
        }

        stream.Synchronize();
        int cols = (int)input.Cols;
        float[] scales = norm.Weight.IsAbsent ? [] : Row(norm.Weight, 0);
        for (long r = 0; r < input.Rows; r++)
        {
            float[] row = Row(input, r);
            if (scales.Length > 0)
            {
                double mean = row.Sum(x => (double)x * x) / cols;
                float factor = (float)(1 / Math.Sqrt(mean + norm.Epsilon));
                for (int i = 0; i < cols; i++)
                {
                    row[i] *= factor * scales[i];
                }
            }

            Importance.Add(name, row, cols);
        }
    }

    private float[] Row(in Tensor tensor, long row)
    {
        float[] values = new float[tensor.Cols];
        tensor.Buffer!.Download<float>(stream, tensor.OffsetBytes + (row * tensor.RowStride * sizeof(float)), values);
        return values;
    }
}
