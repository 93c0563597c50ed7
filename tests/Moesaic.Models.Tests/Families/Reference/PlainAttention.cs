namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>Attention of a whole sequence by definition: every query with every key, in double.</summary>
internal static class PlainAttention
{
    /// <summary>Softmax of scaled products over the visible positions, times the values.</summary>
    /// <param name="queries">[tokens][heads * key width].</param>
    /// <param name="keys">[tokens][key heads * key width].</param>
    /// <param name="values">[tokens][key heads * value width].</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="keyHeads">Key and value heads.</param>
    /// <param name="scale">Factor of the products.</param>
    /// <param name="window">Positions looked back on, itself included; 0: all.</param>
    /// <param name="sinks">A further logit a head without a value; null: none.</param>
    public static double[][] Attend(double[][] queries, double[][] keys, double[][] values, int heads, int keyHeads, double scale, int window = 0, float[]? sinks = null)
    {
        int width = queries[0].Length / heads, valueWidth = values[0].Length / keyHeads;
        return [.. queries.Select((query, i) =>
        {
            double[] result = new double[heads * valueWidth];
            int first = window > 0 ? Math.Max(0, i - window + 1) : 0;
            double[] weights = new double[i + 1 - first];
            for (int h = 0; h < heads; h++)
            {
                int shared = h / (heads / keyHeads);
                double most = sinks is null ? double.NegativeInfinity : sinks[h];
                for (int j = first; j <= i; j++)
                {
                    double product = 0;
                    for (int d = 0; d < width; d++)
                    {
                        product += query[(h * width) + d] * keys[j][(shared * width) + d];
                    }

                    weights[j - first] = product * scale;
                    most = Math.Max(most, weights[j - first]);
                }

                double sum = sinks is null ? 0 : Math.Exp(sinks[h] - most);
                for (int j = 0; j < weights.Length; j++)
                {
                    weights[j] = Math.Exp(weights[j] - most);
                    sum += weights[j];
                }

                for (int j = 0; j < weights.Length; j++)
                {
                    for (int d = 0; d < valueWidth; d++)
                    {
                        result[(h * valueWidth) + d] += weights[j] / sum * values[j + first][(shared * valueWidth) + d];
                    }
                }
            }

            return result;
        })];
    }
}
