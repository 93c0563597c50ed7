namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>What encoders and encoder-decoders are made of, by definition and in double.</summary>
internal sealed class PlainMaps(PlainWeights weights)
{
    /// <summary>Rows of a table.</summary>
    public double[][] Rows(string name, int rows, int width, IEnumerable<int> ids)
    {
        float[] table = weights.Get(name, rows, width);
        return [.. ids.Select(id => Array.ConvertAll(table[(id * width)..((id + 1) * width)], v => (double)v))];
    }

    /// <summary>W x, and the bias where there is one.</summary>
    /// <param name="name">Of the map, without its <c>.weight</c> and <c>.bias</c>.</param>
    /// <param name="rows">Width of the output.</param>
    /// <param name="x">[tokens][input width].</param>
    /// <param name="inputs">Width of the input.</param>
    /// <param name="bias">Whether there is a bias.</param>
    public double[][] Linear(string name, int rows, double[][] x, int inputs, bool bias = false) => Linear(name + ".weight", bias ? name + ".bias" : null, rows, x, inputs);

    /// <param name="weight">Name of W, [rows, inputs].</param>
    /// <param name="biasName">Of the bias; null: none.</param>
    /// <param name="rows">Width of the output.</param>
    /// <param name="x">[tokens][input width].</param>
    /// <param name="inputs">Width of the input.</param>
    public double[][] Linear(string weight, string? biasName, int rows, double[][] x, int inputs)
    {
        float[] matrix = weights.Get(weight, rows, inputs);
        float[]? bias = biasName is null ? null : weights.Get(biasName, rows);
        return [.. x.Select(input => Enumerable.Range(0, rows).Select(r =>
        {
            double sum = bias?[r] ?? 0;
            for (int i = 0; i < inputs; i++)
            {
                sum += matrix[(r * inputs) + i] * input[i];
            }

            return sum;
        }).ToArray())];
    }

    /// <summary>(x - mean) / sqrt(variance + epsilon), scaled and shifted.</summary>
    public double[][] LayerNorm(string weight, string bias, double[][] x, double epsilon)
    {
        (float[] scale, float[] shift) = (weights.Get(weight, x[0].Length), weights.Get(bias, x[0].Length));
        return [.. x.Select(row =>
        {
            double mean = row.Average(), factor = 1 / Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + epsilon);
            return row.Select((v, i) => ((v - mean) * factor * scale[i]) + shift[i]).ToArray();
        })];
    }

    /// <summary>x / sqrt(mean of squares + epsilon), scaled.</summary>
    public double[][] RmsNorm(string name, double[][] x, double epsilon)
    {
        float[] scale = weights.Get(name + ".weight", x[0].Length);
        return [.. x.Select(row =>
        {
            double factor = 1 / Math.Sqrt(row.Average(v => v * v) + epsilon);
            return row.Select((v, i) => v * factor * scale[i]).ToArray();
        })];
    }

    /// <summary>Softmax of the scores over the keys that each query may see, times the values.</summary>
    /// <param name="queries">[tokens][heads * width].</param>
    /// <param name="keys">[keys][heads * width].</param>
    /// <param name="values">[keys][heads * width].</param>
    /// <param name="heads">Of all three.</param>
    /// <param name="scale">Factor of the products.</param>
    /// <param name="offset">What is added to the scaled product of a query and a key in a head; negative infinity hides the key.</param>
    public static double[][] Attend(double[][] queries, double[][] keys, double[][] values, int heads, double scale, Func<int, int, int, double> offset)
    {
        int width = queries[0].Length / heads;
        return [.. queries.Select((query, i) =>
        {
            double[] result = new double[query.Length];
            for (int h = 0; h < heads; h++)
            {
                int first = h * width;
                double[] scores = [.. keys.Select((key, j) => offset(i, j, h) + (scale * Enumerable.Range(first, width).Sum(d => query[d] * key[d])))];
                double most = scores.Max(), sum = scores.Sum(s => Math.Exp(s - most));
                for (int j = 0; j < keys.Length; j++)
                {
                    double share = Math.Exp(scores[j] - most) / sum;
                    for (int d = first; d < first + width; d++)
                    {
                        result[d] += share * values[j][d];
                    }
                }
            }

            return result;
        })];
    }

    /// <summary>The error function by its series of positive terms, e^(-x^2) 2/sqrt(pi) sum of 2^n x^(2n+1) / (1 3 5 ... (2n+1)).</summary>
    public static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
        {
            return Math.Sign(x);
        }

        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    public static double[][] Sum(double[][] a, double[][] b) => [.. a.Zip(b, (x, y) => x.Zip(y, (v, w) => v + w).ToArray())];
}
