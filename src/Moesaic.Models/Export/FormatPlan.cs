using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Export;

/// <summary>
/// Chooses each tensor's format. In a mix, matrices are measured: the error that the better format saves for each byte it adds,
/// over sampled rows, decides which of them get it, until the added bytes reach the mix's share. Vectors and routers stay F32, and
/// matrices that the checkpoint has in blocks of a type stay as they are where the wanted one would take as many bytes or more.
/// </summary>
internal static class FormatPlan
{
    private const int SampledRows = 32;

    public static ElementFormat[] Choose(IReadOnlyList<ExportTensor> tensors, IReadOnlyList<TensorRows> rows, ExportOptions options)
    {
        ElementFormat[] formats = new ElementFormat[tensors.Count];
        long bytes = 0;
        for (int i = 0; i < formats.Length; i++)
        {
            formats[i] = tensors[i].IsExact ? ElementFormat.F32 : QuantisationMix.Fitting(options.Mix.Format, tensors[i].Cols);
            if (rows[i].Blocks is { } stored && BytesOf(tensors[i], stored) <= BytesOf(tensors[i], formats[i]))
            {
                formats[i] = stored;
            }

            bytes += tensors[i].IsExact ? 0 : BytesOf(tensors[i], formats[i]);
        }

        if (options.Mix.Better is not { } better)
        {
            return formats;
        }

        List<(int Tensor, ElementFormat Format, double Gain, long Extra)> candidates = [];
        for (int i = 0; i < formats.Length; i++)
        {
            ElementFormat other = QuantisationMix.Fitting(better, tensors[i].Cols);
            long extra = BytesOf(tensors[i], other) - BytesOf(tensors[i], formats[i]);
            if (!tensors[i].IsExact && formats[i] != rows[i].Blocks && extra > 0)
            {
                candidates.Add((i, other, NoiseOf(tensors[i], rows[i], formats[i], options) - NoiseOf(tensors[i], rows[i], other, options), extra));
            }
        }

        long left = (long)(bytes * options.Mix.ExtraShare);
        foreach ((int tensor, ElementFormat format, _, long extra) in candidates.OrderByDescending(c => c.Gain / c.Extra).ThenBy(c => c.Tensor))
        {
            if (extra <= left)
            {
                formats[tensor] = format;
                left -= extra;
            }
        }

        return formats;
    }

    private static double NoiseOf(ExportTensor tensor, TensorRows rows, ElementFormat format, ExportOptions options)
    {
        double relative = new TensorQuantiser(tensor, rows, format, options).Sample(SampledRows).Relative;
        return relative * relative;
    }

    private static long BytesOf(ExportTensor tensor, ElementFormat format)
    {
        _ = ElementFormats.TryGetBlock(format, out int elements, out int bytes);
        return tensor.Rows * (tensor.Cols / elements) * bytes;
    }
}
