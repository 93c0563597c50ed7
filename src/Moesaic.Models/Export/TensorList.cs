using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>Collects the tensors of a file.</summary>
internal sealed class TensorList
{
    private readonly List<ExportTensor> _tensors = [];

    public IReadOnlyList<ExportTensor> All => _tensors;

    /// <summary>A linear map with its bias, if there is one.</summary>
    public void Projection(string name, ProjectionDescription? projection, RowInterleave? interleave = null)
    {
        if (projection is not null)
        {
            Matrix(name + ".weight", projection.Weight, interleave: interleave);
            Vector(name + ".bias", projection.Bias, interleave);
        }
    }

    public void Matrix(string name, MatrixSource matrix, bool isStack = false, RowInterleave? interleave = null, bool exact = false) => _tensors.Add(
        new ExportTensor(name, isStack ? [matrix.NumExperts, matrix.Rows, matrix.Cols] : [matrix.Rows, matrix.Cols])
        {
            Matrix = matrix,
            Interleave = interleave,
            IsExact = exact,
        });

    public void Vector(string name, VectorSource? vector, RowInterleave? interleave = null)
    {
        if (vector is not null)
        {
            _tensors.Add(new ExportTensor(name, vector.TensorRows == 1 ? [vector.Length] : [vector.TensorRows, vector.Length / vector.TensorRows])
            {
                Vector = vector,
                Interleave = interleave,
                IsExact = true,
            });
        }
    }

    /// <summary>Values that were worked out.</summary>
    public void Values(string name, float[] values) => _tensors.Add(new ExportTensor(name, [values.Length]) { Values = values, IsExact = true });
}
