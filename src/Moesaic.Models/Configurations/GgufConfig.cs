using System.Diagnostics.CodeAnalysis;
using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Configurations;

/// <summary>
/// The hyper-parameters in a GGUF file: the metadata keys that start with the architecture's name. Keys are given
/// without that prefix: <c>attention.head_count</c> stands for <c>llama.attention.head_count</c>.
/// </summary>
public sealed class GgufConfig : ConfigReader
{
    private readonly string _prefix;

    public GgufConfig(GgufMetadata metadata)
        : base(metadata?.File ?? throw new ArgumentNullException(nameof(metadata)))
    {
        Metadata = metadata;
        Architecture = metadata.Architecture;
        _prefix = Architecture + ".";
    }

    /// <summary>All metadata, for keys outside the architecture's prefix (they are not tracked).</summary>
    public GgufMetadata Metadata { get; }

    /// <summary><c>general.architecture</c>.</summary>
    public string Architecture { get; }

    /// <inheritdoc/>
    public override IEnumerable<string> UnreadKeys =>
        Metadata.Keys.Where(key => key.StartsWith(_prefix, StringComparison.Ordinal))
            .Select(key => key[_prefix.Length..])
            .Where(key => !WasRead(key));

    /// <inheritdoc/>
    public override bool Has(string key) => Metadata.Contains(_prefix + key);

    /// <inheritdoc/>
    public override bool TryGetInt64(string key, out long value) => Metadata.TryGetInt64(Mark(key), out value);

    /// <inheritdoc/>
    public override bool TryGetDouble(string key, out double value)
    {
        bool present = Metadata.TryGetDouble(Mark(key), out value);
        return double.IsFinite(value) ? present : throw Error(key, $"the value {value} is not finite.");
    }

    /// <inheritdoc/>
    public override bool TryGetBoolean(string key, out bool value) => Metadata.TryGetBoolean(Mark(key), out value);

    /// <inheritdoc/>
    public override bool TryGetString(string key, [NotNullWhen(true)] out string? value) => Metadata.TryGetString(Mark(key), out value);

    /// <inheritdoc/>
    public override bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? value) => Metadata.TryGetInt32Array(Mark(key), out value);

    /// <inheritdoc/>
    public override bool TryGetDoubleArray(string key, [NotNullWhen(true)] out double[]? value)
    {
        value = Metadata.TryGetSingleArray(Mark(key), out float[]? single) ? Array.ConvertAll(single, v => (double)v) : null;
        return value is not null;
    }

    /// <inheritdoc/>
    public override bool TryGetBooleanArray(string key, [NotNullWhen(true)] out bool[]? value) => Metadata.TryGetBooleanArray(Mark(key), out value);

    /// <inheritdoc/>
    public override bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? value) => Metadata.TryGetStringArray(Mark(key), out value);

    /// <summary>A value for each layer: the file holds one for all, or an array with one a layer.</summary>
    /// <exception cref="ModelFormatException">The array's length is not the number of layers, or the value has another type.</exception>
    public bool TryGetInt32PerLayer(string key, int numLayers, [NotNullWhen(true)] out int[]? value)
    {
        value = null;
        if (!Metadata.TryGetValue(_prefix + key, out GgufValue found))
        {
            return false;
        }

        if (found.Type != GgufValueType.Array)
        {
            value = new int[numLayers];
            Array.Fill(value, GetInt32(key));
            return true;
        }

        value = GetInt32Array(key);
        return value.Length == numLayers ? true : throw Error(key, $"the array has {value.Length} elements, the model {numLayers} layers.");
    }

    /// <inheritdoc/>
    private protected override string FullName(string key) => _prefix + key;

    /// <inheritdoc/>
    private protected override string Describe(string key) => Metadata.TryGetValue(_prefix + key, out GgufValue value) ? value.Describe() : "?";

    private string Mark(string key)
    {
        MarkRead(key);
        return _prefix + key;
    }
}
