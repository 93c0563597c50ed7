using Moesaic.Engine;

namespace Moesaic.Server.Catalog;

/// <summary>A loaded model under its public name, with the engine that runs its requests.</summary>
internal sealed class ServedModel : IDisposable
{
    /// <param name="name">What requests call it.</param>
    /// <param name="runtime">The model; owned from here on.</param>
    /// <param name="serving">Bounds of its engine.</param>
    /// <param name="replyFormat">How its replies mark calls and thinking; null: as found from the model.</param>
    public ServedModel(string name, ModelRuntime runtime, ServingOptions serving, ReplyFormat? replyFormat)
    {
        Name = name;
        Runtime = runtime;
        Created = DateTimeOffset.UtcNow;
        ReplyFormat = ReplyFormat.For(runtime, replyFormat?.Name);
        Engine = new InferenceEngine(runtime, serving);
    }

    /// <summary>What requests call it.</summary>
    public string Name { get; }

    public ModelRuntime Runtime { get; }

    public InferenceEngine Engine { get; }

    /// <summary>How its replies mark tool calls and thinking.</summary>
    public ReplyFormat ReplyFormat { get; }

    /// <summary>When it was loaded.</summary>
    public DateTimeOffset Created { get; }

    public void Dispose()
    {
        Engine.Dispose();
        Runtime.Dispose();
    }
}
