using Moesaic.Engine;

namespace Moesaic.Server.Catalog;

/// <summary>A loaded model under its public name.</summary>
internal sealed class ServedModel(string name, ModelRuntime runtime, DateTimeOffset created) : IDisposable
{
    /// <summary>What requests call it.</summary>
    public string Name { get; } = name;

    public ModelRuntime Runtime { get; } = runtime;

    /// <summary>When it was loaded.</summary>
    public DateTimeOffset Created { get; } = created;

    public void Dispose() => Runtime.Dispose();
}
