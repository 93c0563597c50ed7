using Moesaic.Engine;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;

namespace Moesaic.Server.Catalog;

/// <summary>The models that the host serves; none until all are loaded.</summary>
internal sealed class ServedModels : IDisposable
{
    private ServedModel[] _all = [];
    private volatile ReadinessState _state = ReadinessState.Loading;

    public ReadinessState State => _state;

    /// <summary>Whether requests are taken: not while loading or draining, nor when an engine has ended.</summary>
    public bool IsReady => _state == ReadinessState.Ready && All.All(static m => m.Engine.Failure is null);

    /// <summary>In the order in which they were named.</summary>
    public IReadOnlyList<ServedModel> All => Volatile.Read(ref _all);

    /// <summary>The model of a name.</summary>
    /// <param name="name">As the request gives it; null: the first model.</param>
    public ServedModel? Find(string? name) =>
        name is null ? All.Count > 0 ? All[0] : null : All.FirstOrDefault(m => string.Equals(m.Name, name, StringComparison.Ordinal));

    /// <inheritdoc cref="Find"/>
    /// <exception cref="ApiException">404: there is no model of this name.</exception>
    public ServedModel Get(string? name) => Find(name) ?? throw new ApiException(
        404, ErrorCodes.ModelNotFound, $"model: there is no model '{JsonErrors.Name(name ?? "")}'; served here: {string.Join(", ", All.Select(static m => m.Name))}", "model");

    /// <summary>Loads what the options name, one after the other.</summary>
    /// <exception cref="ServerConfigurationException">Two models have one name.</exception>
    public void Load(ServerOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<ModelSource> sources = options.Models.Count > 0 ? options.Models : [new ModelSource(null, null)];
        List<ServedModel> loaded = [];
        try
        {
            foreach (ModelSource source in sources)
            {
                loaded.Add(Load(source, options, cancellationToken));
                if (loaded.Take(loaded.Count - 1).Any(m => m.Name == loaded[^1].Name))
                {
                    throw new ServerConfigurationException($"two models are called '{loaded[^1].Name}': name them, --model NAME=PATH");
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        catch
        {
            loaded.ForEach(static m => m.Dispose());
            throw;
        }

        Volatile.Write(ref _all, [.. loaded]);
        Interlocked.CompareExchange(ref _state, ReadinessState.Ready, ReadinessState.Loading);
    }

    /// <summary>From here on requests are refused.</summary>
    public void StopAdmitting() => _state = ReadinessState.Draining;

    /// <summary>Waits until all engines have finished what they run; what is left after a time is cancelled.</summary>
    public Task DrainAsync(TimeSpan limit) => Task.WhenAll(All.Select(m => m.Engine.DrainAsync(limit)));

    public void Dispose()
    {
        foreach (ServedModel model in Interlocked.Exchange(ref _all, []))
        {
            model.Dispose();
        }
    }

    private static ServedModel Load(ModelSource source, ServerOptions options, CancellationToken cancellationToken)
    {
        ModelRuntime runtime = ModelRuntime.Load(source.Path, options.Engine with { Cancellation = cancellationToken });
        try
        {
            return new ServedModel(source.Name ?? DefaultName(runtime.Name), runtime, options.Serving, options.ReplyFormat);
        }
        catch
        {
            runtime.Dispose();
            throw;
        }
    }

    private static string DefaultName(string path) =>
        path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? Path.GetFileNameWithoutExtension(path) : Path.GetFileName(Path.TrimEndingDirectorySeparator(path));
}
