using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Checkpoints;

/// <summary>The tensors of a model, from one or more files of either container format. Owns the files' mappings.</summary>
public interface ICheckpoint : IDisposable
{
    /// <summary>What the user named: a file or a folder; used in messages.</summary>
    string Path { get; }

    /// <summary>The files behind it, in order.</summary>
    IReadOnlyList<CheckpointFile> Files { get; }

    /// <summary>Every tensor, in file order.</summary>
    IReadOnlyList<CheckpointTensor> Tensors { get; }

    /// <summary>Finds a tensor by its exact name.</summary>
    bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor);
}

/// <summary>Shared look-ups over checkpoints.</summary>
public static class CheckpointExtensions
{
    /// <summary>The tensor of that name.</summary>
    /// <exception cref="ModelFormatException">The checkpoint has no such tensor.</exception>
    public static CheckpointTensor GetTensor(this ICheckpoint checkpoint, string name)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return checkpoint.TryGetTensor(name, out CheckpointTensor? tensor)
            ? tensor
            : throw new ModelFormatException(checkpoint.Path, name, "the model needs this tensor, and the checkpoint does not have it.");
    }
}
