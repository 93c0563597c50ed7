using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Which experts each token of a step chose in each layer with experts: kept where wanted, or prescribed.</summary>
internal sealed class ExpertChoices : IDisposable
{
    private readonly DeviceBuffer _chosen;
    private readonly DeviceBuffer? _forced;
    private readonly int _maxTokens;
    private readonly bool _record;

    public ExpertChoices(Device device, int numLayers, int maxTokens, int topK, bool record)
    {
        NumLayers = numLayers;
        TopK = topK;
        _maxTokens = maxTokens;
        _record = record;
        long layerBytes = checked((long)maxTokens * topK * sizeof(int));
        _chosen = DeviceBuffer.Create(device, layerBytes * (record ? numLayers : 1));
        try
        {
            _forced = record ? DeviceBuffer.Create(device, layerBytes * numLayers) : null;
        }
        catch
        {
            _chosen.Dispose();
            throw;
        }
    }

    /// <summary>Layers with experts.</summary>
    public int NumLayers { get; }

    /// <summary>Experts of a token.</summary>
    public int TopK { get; }

    /// <summary>Whether the next step takes the prescribed experts.</summary>
    public bool IsForced { get; private set; }

    /// <summary>[T, top k] int32 to write a layer's choice to.</summary>
    public Tensor Chosen(int layer, int numTokens) => View(_chosen, _record ? layer : 0, numTokens);

    /// <summary>[T, top k] int32 of prescribed experts; absent when the step chooses itself.</summary>
    public Tensor Forced(int layer, int numTokens) => IsForced ? View(_forced!, layer, numTokens) : default;

    /// <summary>Prescribes the experts of the next step: [layers, tokens, top k].</summary>
    public void Force(ComputeStream stream, ReadOnlySpan<int> choices, int numTokens)
    {
        int perLayer = numTokens * TopK;
        if (_forced is null || numTokens > _maxTokens || choices.Length != NumLayers * perLayer)
        {
            throw new ArgumentException($"{choices.Length} choices do not fit {NumLayers} layers x {numTokens} tokens x {TopK} experts, or recording is off.", nameof(choices));
        }

        for (int layer = 0; layer < NumLayers; layer++)
        {
            _forced.Upload(stream, LayerOffset(layer), choices.Slice(layer * perLayer, perLayer));
        }

        IsForced = true;
    }

    public void EndForce() => IsForced = false;

    /// <summary>Reads one layer's choices of the last step: [tokens, top k].</summary>
    public void Read(ComputeStream stream, int layer, Span<int> choices)
    {
        if (!_record)
        {
            throw new InvalidOperationException("Expert choices were not recorded; set RecordExpertChoices.");
        }

        _chosen.Download(stream, LayerOffset(layer), choices);
    }

    public void Dispose()
    {
        _chosen.Dispose();
        _forced?.Dispose();
    }

    private long LayerOffset(int layer) => (long)layer * _maxTokens * TopK * sizeof(int);

    private Tensor View(DeviceBuffer buffer, int layer, int numTokens) =>
        Tensor.Dense(buffer, numTokens, TopK, TensorFormat.I32, LayerOffset(layer));
}
