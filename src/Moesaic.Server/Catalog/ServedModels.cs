using Moesaic.Engine;
using Moesaic.Models.Encoder;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;

namespace Moesaic.Server.Catalog;

/// <summary>The models that the host serves; none until all are loaded.</summary>
internal sealed class ServedModels : IDisposable
{
    private ServedModel[] _all = [];
    private ServedEncoder[] _encoders = [];
    private volatile ReadinessState _state = ReadinessState.Loading;

    public ReadinessState State => _state;

    /// <summary>Whether requests are taken: not while loading or draining, nor when an engine has ended.</summary>
    public bool IsReady => _state == ReadinessState.Ready && All.All(static m => m.Engine.Failure is null);

    /// <summary>In the order in which they were named.</summary>
    public IReadOnlyList<ServedModel> All => Volatile.Read(ref _all);

    /// <summary>Those that make embeddings, in the order in which they were named.</summary>
    public IReadOnlyList<ServedEncoder> Encoders => Volatile.Read(ref _encoders);

    /// <summary>The encoder of a name.</summary>
    /// <param name="name">As the request gives it; null: the first encoder.</param>
    /// <exception cref="ApiException">404: there is no model of this name; 400: it generates text.</exception>
    public ServedEncoder GetEncoder(string? name)
    {
        if (Encoders.FirstOrDefault(m => name is null || string.Equals(m.Name, name, StringComparison.Ordinal)) is { } encoder)
        {
            return encoder;
        }

        throw Find(name) is { } decoder
            ? ApiException.NotSupported("model", $"the model '{decoder.Name}' generates text and makes no embeddings; serve an encoder for them")
            : NotFound(name);
    }

    /// <summary>The model of a name.</summary>
    /// <param name="name">As the request gives it; null: the first model.</param>
    public ServedModel? Find(string? name) =>
        name is null ? All.Count > 0 ? All[0] : null : All.FirstOrDefault(m => string.Equals(m.Name, name, StringComparison.Ordinal));

    /// <inheritdoc cref="Find"/>
    /// <exception cref="ApiException">404: there is no model of this name.</exception>
    public ServedModel Get(string? name)
    {
        if (Find(name) is { } model)
        {
            return model;
        }

        throw Encoders.FirstOrDefault(m => name is null || string.Equals(m.Name, name, StringComparison.Ordinal)) is { } encoder
            ? ApiException.NotSupported("model", $"the model '{encoder.Name}' is an encoder: it makes embeddings (/v1/embeddings) and generates no text")
            : NotFound(name);
    }

    /// <summary>Loads what the options name, one after the other.</summary>
    /// <exception cref="ServerConfigurationException">Two models have one name.</exception>
    public void Load(ServerOptions options, CancellationToken cancellationToken)
    {
        IReadOnlyList<ModelSource> sources = options.Models.Count > 0 ? options.Models : [new ModelSource(null, null)];
        List<ServedModel> loaded = [];
        List<ServedEncoder> encoders = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        try
        {
            foreach (ModelSource source in sources)
            {
                string name;
                if (source.Path is { } path && OpenedEncoder.IsEncoder(path))
                {
                    encoders.Add(LoadEncoder(source, path, options, cancellationToken));
                    name = encoders[^1].Name;
                }
                else
                {
                    loaded.Add(Load(source, options, cancellationToken));
                    name = loaded[^1].Name;
                }

                if (!names.Add(name))
                {
                    throw new ServerConfigurationException($"two models are called '{name}': name them, --model NAME=PATH");
                }
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        catch
        {
            loaded.ForEach(static m => m.Dispose());
            encoders.ForEach(static m => m.Dispose());
            throw;
        }

        Volatile.Write(ref _encoders, [.. encoders]);
        Volatile.Write(ref _all, [.. loaded]);
        Interlocked.CompareExchange(ref _state, ReadinessState.Ready, ReadinessState.Loading);
    }

    /// <summary>From here on requests are refused.</summary>
    public void StopAdmitting() => _state = ReadinessState.Draining;

    /// <summary>Waits until all engines have finished what they run; what is left after a time is cancelled.</summary>
    public Task DrainAsync(TimeSpan limit) =>
        Task.WhenAll(All.Select(m => m.Engine.DrainAsync(limit)).Concat(Encoders.Select(m => m.Engine.DrainAsync(limit))));

    public void Dispose()
    {
        foreach (ServedModel model in Interlocked.Exchange(ref _all, []))
        {
            model.Dispose();
        }

        foreach (ServedEncoder encoder in Interlocked.Exchange(ref _encoders, []))
        {
            encoder.Dispose();
        }
    }

    private ApiException NotFound(string? name) => new(
        404, ErrorCodes.ModelNotFound, $"model: there is no model '{JsonErrors.Name(name ?? "")}'; served here: {string.Join(", ", All.Select(static m => m.Name).Concat(Encoders.Select(static m => m.Name)))}", "model");

    private static ServedEncoder LoadEncoder(ModelSource source, string path, ServerOptions options, CancellationToken cancellationToken)
    {
        EmbeddingModel model = EmbeddingModel.Load(path, options.Engine with { MaxContext = null, Cancellation = cancellationToken });
        try
        {
            return new ServedEncoder(source.Name ?? DefaultName(model.Name), model, options);
        }
        catch
        {
            model.Dispose();
            throw;
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
