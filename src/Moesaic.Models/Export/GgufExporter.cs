using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>
/// Writes a Hugging Face checkpoint as a GGUF file: metadata, tokenizer, and every tensor under its other name, quantised. What is
/// quantised already is brought to float32 first, but for blocks that the format has too: they stay. The header is read back before
/// any tensor is written, and what it describes must be the checkpoint's computation.
/// </summary>
public static class GgufExporter
{
    /// <param name="model">A Hugging Face folder.</param>
    /// <param name="path">The file; it appears when it is complete.</param>
    /// <param name="options">Formats and how to find them.</param>
    /// <exception cref="ModelFormatException">The model cannot be written as GGUF; the message says what stands in the way.</exception>
    /// <exception cref="IOException">The file exists and is not to be replaced, or cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The export was cancelled; nothing is left behind.</exception>
    public static ExportReport Write(OpenedModel model, string path, ExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(model);
        RequireFree(path, options);
        return Write(new DecoderSource(model), model.Description.Quantisation, path, options);
    }

    /// <inheritdoc cref="Write(OpenedModel, string, ExportOptions)"/>
    public static ExportReport Write(OpenedEncoder encoder, string path, ExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        RequireFree(path, options);
        return Write(new EncoderSource(encoder), encoder.Description.Quantisation, path, options);
    }

    private static void RequireFree(string path, ExportOptions options)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Overwrites && File.Exists(path))
        {
            throw new IOException($"{path} exists already; choose another name, or have it replaced.");
        }
    }

    private static ExportReport Write(ExportSource source, Configurations.QuantisationConfig? quantisation, string path, ExportOptions options)
    {
        QuantisedMatrices quantised = new(source.Checkpoint, quantisation);
        IReadOnlyList<ExportTensor> tensors = source.Tensors;
        List<TensorRows> rows = [.. tensors.Select(tensor => new TensorRows(tensor, source.Checkpoint, quantised))];
        GgufPairs pairs = new();
        source.AddMetadata(pairs, options.Mix.FileType);
        bool hasTokenizer = ExportTokenizer.Add(source, pairs);
        ElementFormat[] formats = FormatPlan.Choose(tensors, rows, options);
        using GgufWriter writer = new(path, pairs, [.. tensors.Select((tensor, i) => new GgufTensorSpec(tensor.Name, formats[i], tensor.Shape))]);
        Run run = new(tensors, rows, formats, writer, options);

        // Divisors of rotary frequencies are read together with the header.
        run.Write(tensor => tensor.Values.Length > 0);
        Verify(source, writer.TemporaryPath, hasTokenizer);
        run.Write(_ => true);
        long length = new FileInfo(writer.TemporaryPath).Length;
        writer.Complete(options.Overwrites);
        return new ExportReport(path, run.Written, length, hasTokenizer) { LeftOut = source.LeftOut };
    }

    private static void Verify(ExportSource source, string path, bool hasTokenizer)
    {
        using GgufFile file = GgufFile.Open(path);
        if (source.FindDifference(file) is { } difference)
        {
            throw new ModelFormatException(source.Location.Name, "config.json", $"GGUF cannot say everything about this model: {difference}.");
        }

        if (hasTokenizer)
        {
            ExportTokenizer.Verify(source, file.Metadata);
        }
    }

    private sealed class Run(IReadOnlyList<ExportTensor> tensors, List<TensorRows> rows, ElementFormat[] formats, GgufWriter writer, ExportOptions options)
    {
        private readonly ExportedTensor?[] _written = new ExportedTensor?[tensors.Count];
        private readonly long _total = tensors.Sum(t => t.Rows * t.Cols);
        private long _done;

        public ImmutableArray<ExportedTensor> Written => [.. _written.Select(tensor => tensor!)];

        /// <summary>Writes those that have not been written yet.</summary>
        public void Write(Predicate<ExportTensor> which)
        {
            for (int i = 0; i < tensors.Count; i++)
            {
                if (_written[i] is null && which(tensors[i]))
                {
                    _written[i] = Write(i);
                }
            }
        }

        private ExportedTensor Write(int index)
        {
            ExportTensor tensor = tensors[index];
            TensorQuantiser quantiser = new(tensor, rows[index], formats[index], options);
            TensorQuantiser.Error error = quantiser.Run((start, blocks) => writer.Write(index, start, blocks.Span), Advance);
            rows[index].Release();
            ElementFormat wanted = tensor.IsExact ? ElementFormat.F32 : options.Mix.Format;
            bool isFallback = formats[index] != wanted && formats[index] != options.Mix.Better && formats[index] != rows[index].Blocks;
            long bytes = new GgufTensorSpec(tensor.Name, formats[index], tensor.Shape).ByteLength;
            return new ExportedTensor(tensor.Name, tensor.Shape, rows[index].StoredKind, formats[index], bytes, error.Relative, isFallback);
        }

        private void Advance(long elements) => options.Progress?.Invoke(new ExportProgress(Interlocked.Add(ref _done, elements), _total));
    }
}
