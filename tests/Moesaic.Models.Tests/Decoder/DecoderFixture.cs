using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>A checkpoint loaded on the CPU.</summary>
internal sealed class DecoderFixture : IDisposable
{
    public DecoderFixture(string path, int numThreads = 2, LatentForm form = LatentForm.Absorbed)
    {
        Model = OpenedModel.Open(path);
        Device = Device.Open(new DeviceOptions { NumThreads = numThreads });
        LoadPlan plan = LoadPlan.Create(Model.Description, Model.Checkpoint, includeMtp: !Model.Description.MtpLayers.IsEmpty, form);
        Decoder = DecoderLoader.Load(Device, plan);
    }

    public OpenedModel Model { get; }

    public Device Device { get; }

    public LoadedDecoder Decoder { get; }

    public bool HasExperts => Model.Description.Layers.Any(l => l.FeedForward is MoeDescription);

    public DecoderExecutor Executor(ExecutorOptions options) => new(Decoder, options with
    {
        MaxContext = Math.Min(options.MaxContext ?? 256, Model.Description.ContextLength),
        MaxTokens = Math.Max(options.MaxTokens, 512),
        MaxLogitRows = 512,
        MaxSequences = 8,
        PageTokens = 16,
    });

    public static ExecutorOptions Reference { get; } = new() { Precision = Precision.Reference, KvFormat = KvFormat.F32 };

    public static ExecutorOptions Fast { get; } = new() { Precision = Precision.Fast, KvFormat = KvFormat.BF16 };

    public void Dispose()
    {
        Decoder.Dispose();
        Device.Dispose();
        Model.Dispose();
    }
}
