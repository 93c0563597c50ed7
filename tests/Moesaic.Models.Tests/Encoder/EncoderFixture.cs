using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;

namespace Moesaic.Models.Tests.Encoder;

/// <summary>A small encoder on a device of its own, and the hidden states of texts.</summary>
internal sealed class EncoderFixture : IDisposable
{
    private readonly Device _device = Device.Open(new DeviceOptions { NumThreads = 2 });
    private readonly LoadedEncoder _encoder;
    private readonly EncoderExecutor _executor;

    public EncoderFixture(string path, Precision precision = Precision.Reference)
    {
        using OpenedEncoder opened = OpenedEncoder.Open(path);
        _encoder = LoadedEncoder.Load(_device, EncoderPlan.Create(opened.Description, opened.Checkpoint));
        _executor = new EncoderExecutor(_encoder, new EncoderOptions { Precision = precision, MaxTokens = 512, MaxSequences = 16 });
    }

    public EncoderDescription Description => _encoder.Description;

    public EncoderExecutor Executor => _executor;

    /// <summary>[texts][tokens * width], all texts in one step.</summary>
    public float[][] Hidden(params int[][] texts)
    {
        int[] offsets = new int[texts.Length + 1];
        for (int i = 0; i < texts.Length; i++)
        {
            offsets[i + 1] = offsets[i] + texts[i].Length;
        }

        _executor.Run([.. texts.SelectMany(t => t)], offsets);
        int width = Description.HiddenSize;
        float[] hidden = new float[offsets[^1] * width];
        _executor.ReadHidden(hidden);
        return [.. texts.Select((t, i) => hidden[(offsets[i] * width)..(offsets[i + 1] * width)])];
    }

    /// <summary>The vectors of texts, pooled as the description says.</summary>
    public float[][] Embed(params int[][] texts) => [.. Hidden(texts).Select(Pool)];

    public void Dispose()
    {
        _executor.Dispose();
        _encoder.Dispose();
        _device.Dispose();
    }

    private float[] Pool(float[] hidden)
    {
        float[] vector = new float[Description.HiddenSize];
        Description.Pooling.Apply(hidden, vector);
        return vector;
    }
}
