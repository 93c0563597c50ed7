using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>
/// Writes a Hugging Face checkpoint as a GGUF file: metadata, tokenizer, and every tensor under its other name, quantised. The
/// header is read back before any tensor is written, and what it describes must be the checkpoint's computation.
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
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Overwrites && File.Exists(path))
        {
            throw new IOException($"{path} exists already; choose another name, or have it replaced.");
        }

        GgufScheme scheme = Check(model);
        List<ExportTensor> tensors = [.. ExportTensors.Of(model.Description, scheme)];
        if (ExportMetadata.Divisors(HuggingFaceRope.Read(model.HuggingFaceConfig!.Raw), model.Description.Ropes[0].Dimensions) is { } divisors)
        {
            tensors.Insert(0, new ExportTensor(ExportMetadata.DivisorsName, [divisors.Length]) { Values = divisors, IsExact = true });
        }

        List<TensorRows> rows = [.. tensors.Select(tensor => new TensorRows(tensor, model.Checkpoint))];
        GgufPairs pairs = new();
        new ExportMetadata(model, scheme, pairs).Add(options.Mix.FileType);
        bool hasTokenizer = ExportTokenizer.Add(model, pairs);
        ElementFormat[] formats = FormatPlan.Choose(tensors, rows, options);
        using GgufWriter writer = new(path, pairs, [.. tensors.Select((tensor, i) => new GgufTensorSpec(tensor.Name, formats[i], tensor.Shape))]);
        Run run = new(tensors, rows, formats, writer, options);
        if (tensors[0].Values.Length > 0)
        {
            run.Write(0);
        }

        Verify(model, writer.TemporaryPath, hasTokenizer);
        ImmutableArray<ExportedTensor> written = run.WriteRest();
        long length = new FileInfo(writer.TemporaryPath).Length;
        writer.Complete(options.Overwrites);
        return new ExportReport(path, written, length, hasTokenizer);
    }

    private static GgufScheme Check(OpenedModel model)
    {
        if (model.HuggingFaceConfig is not { } config)
        {
            throw new ModelFormatException(model.Location.Name, "model", "it is a GGUF file already; quantise the Hugging Face folder that it came from.");
        }

        if (config.Raw.Has("quantization_config"))
        {
            throw new ModelFormatException(config.Raw.File, "quantization_config", "the checkpoint is quantised already; quantise the one that it came from.");
        }

        // Every tensor must be one that the description knows: nothing is dropped unseen.
        _ = LoadPlan.Create(model.Description, model.Checkpoint, includeMtp: true);
        return ModelFamilies.SchemeOf(config)
            ?? throw new ModelFormatException(config.Raw.File, "architectures", $"models of the family {model.Description.Family} are not written as GGUF yet.");
    }

    private static void Verify(OpenedModel model, string path, bool hasTokenizer)
    {
        using GgufFile file = GgufFile.Open(path);
        DecoderDescription written = ModelFamilies.Describe(file);
        _ = LoadPlan.Create(written, file, includeMtp: true);
        if (DescriptionComparison.FindDifference(model.Description, written) is { } difference)
        {
            throw new ModelFormatException(model.Location.Name, "config.json", $"GGUF cannot say everything about this model: {difference}.");
        }

        if (hasTokenizer)
        {
            ExportTokenizer.Verify(model, file.Metadata);
        }
    }

    private sealed class Run(List<ExportTensor> tensors, List<TensorRows> rows, ElementFormat[] formats, GgufWriter writer, ExportOptions options)
    {
        private readonly ExportedTensor?[] _written = new ExportedTensor?[tensors.Count];
        private readonly long _total = tensors.Sum(t => t.Rows * t.Cols);
        private long _done;

        public void Write(int index)
        {
            ExportTensor tensor = tensors[index];
            TensorQuantiser quantiser = new(tensor, rows[index], formats[index], options);
            TensorQuantiser.Error error = quantiser.Run((start, blocks) => writer.Write(index, start, blocks.Span), Advance);
            rows[index].Release();
            ElementFormat wanted = tensor.IsExact ? ElementFormat.F32 : options.Mix.Format;
            bool isFallback = formats[index] != wanted && formats[index] != options.Mix.Better;
            long bytes = new GgufTensorSpec(tensor.Name, formats[index], tensor.Shape).ByteLength;
            _written[index] = new ExportedTensor(tensor.Name, tensor.Shape, rows[index].StoredFormat, formats[index], bytes, error.Relative, isFallback);
        }

        public ImmutableArray<ExportedTensor> WriteRest()
        {
            for (int i = 0; i < tensors.Count; i++)
            {
                if (_written[i] is null)
                {
                    Write(i);
                }
            }

            return [.. _written.Select(tensor => tensor!)];
        }

        private void Advance(long elements) => options.Progress?.Invoke(new ExportProgress(Interlocked.Add(ref _done, elements), _total));
    }
}
