using Moesaic.Models.Configurations;

namespace Moesaic.Models.Families;

/// <summary>Reads which layers attend to a sliding window (<c>use_sliding_window</c>, <c>max_window_layers</c>, <c>layer_types</c>).</summary>
internal static class LayerWindows
{
    /// <summary>The entry of <c>layer_types</c> for a layer with a window.</summary>
    public const string Sliding = "sliding_attention";

    /// <summary>The window of each layer; 0: none.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="numLayers">Layers of the model.</param>
    /// <param name="usedByDefault">What an absent <c>use_sliding_window</c> means.</param>
    public static Func<int, int> Read(JsonConfig config, int numLayers, bool usedByDefault = false)
    {
        bool use = config.GetBoolean("use_sliding_window", usedByDefault);
        int? window = config.TryGetInt32InRange("sliding_window", 1, Limits.Context);
        int firstWindowed = config.GetInt32InRange("max_window_layers", 0, int.MaxValue, numLayers);
        string[]? types = Types(config, numLayers);
        if (!use || window is not { } size)
        {
            if (types is not null && Array.IndexOf(types, Sliding) >= 0)
            {
                throw config.Error("layer_types", "it names sliding_attention, while use_sliding_window is off or sliding_window absent.");
            }

            return static _ => 0;
        }

        return layer => (types is null ? layer >= firstWindowed : types[layer] == Sliding) ? size : 0;
    }

    /// <summary>The entries of <c>layer_types</c>, checked; null where the key is absent.</summary>
    public static string[]? Types(JsonConfig config, int numLayers)
    {
        if (!config.TryGetStringArray("layer_types", out string[]? types))
        {
            return null;
        }

        if (types.Length != numLayers)
        {
            throw config.Error("layer_types", $"it has {types.Length} entries; expected one for each of the {numLayers} layers.");
        }

        foreach (string type in types)
        {
            if (type is not ("full_attention" or Sliding))
            {
                throw config.Error("layer_types", $"the entry '{type}' is not supported; expected full_attention or sliding_attention.");
            }
        }

        return types;
    }
}
