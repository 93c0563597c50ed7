using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>The names under which exporters store what a family calls <c>X.weight</c>.</summary>
internal static class QuantisedNames
{
    private const string Weight = ".weight";
    private const string Bias = ".bias";
    private const long MaxBiasBytes = 1 << 24;

    // Of activations that other programs quantise, beside every form.
    private static readonly string[] s_inputs = [".input_scale", ".input_zero_point", ".input_global_scale", ".output_scale", ".activation_scale"];

    private static readonly string[] s_ofWeight = ["", "_scale_inv", "_scale", "_scale_2", "_zero_point", "_packed", "_shape", "_g_idx", "_global_scale", "_blocks", "_scales"];

    private static readonly string[] s_ofModule = [".qweight", ".qzeros", ".scales", ".g_idx"];

    /// <summary>Scales for the entries of a quantised KV cache: this program's cache has formats of its own.</summary>
    public static ImmutableArray<IgnorableTensors> OfKvCache { get; } =
    [
        .. new[] { "*.k_scale", "*.v_scale", "*.q_scale", "*.prob_scale", "*.k_zero_point", "*.v_zero_point" }
            .Select(pattern => new IgnorableTensors(pattern, "scale of a KV cache in another format, not used")),
    ];

    /// <summary>The module's name: without <c>.weight</c>.</summary>
    public static string Module(string name) => name.EndsWith(Weight, StringComparison.Ordinal) ? name[..^Weight.Length] : name;

    /// <summary>Whether a weight is there under a name of a quantised form.</summary>
    public static bool IsStored(ICheckpoint checkpoint, string name)
    {
        string module = Module(name);
        return module.Length != name.Length
            ? checkpoint.TryGetTensor(module + ".qweight", out _) || checkpoint.TryGetTensor(module + ".weight_packed", out _)
            : checkpoint.TryGetTensor(name + "_blocks", out _) || checkpoint.TryGetTensor(name + "_packed", out _);
    }

    /// <summary>Whether a tensor is a bias of zeros beside GPTQ's or AWQ's codes: some exporters give one to every map.</summary>
    public static bool IsZeroBias(ICheckpoint checkpoint, CheckpointTensor tensor)
    {
        if (!tensor.Name.EndsWith(Bias, StringComparison.Ordinal) || tensor.ByteLength > MaxBiasBytes || !checkpoint.TryGetTensor(tensor.Name[..^Bias.Length] + ".qweight", out _))
        {
            return false;
        }

        byte[] bytes = new byte[tensor.ByteLength];
        tensor.CopyBytes(0, bytes);
        return !bytes.AsSpan().ContainsAnyExcept((byte)0);
    }

    /// <summary>Tensors beside a weight that the arithmetic of this program does not need.</summary>
    public static IEnumerable<string> Unneeded(string name) => s_inputs.Select(suffix => Module(name) + suffix);

    /// <summary>Every name that the weight may have tensors under.</summary>
    public static IEnumerable<string> All(string name)
    {
        string module = Module(name);
        return s_ofWeight.Select(suffix => name + suffix)
            .Concat(s_ofModule.Select(suffix => module + suffix))
            .Concat(Unneeded(name));
    }
}
