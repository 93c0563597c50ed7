using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Hosting;

/// <summary>What only who runs the host may ask; absent without an admin key.</summary>
internal static class AdminRoutes
{
    public static IEnumerable<Route> All =>
    [
        new("GET", "/admin/engines", RouteKey.Admin, ErrorEnvelope.OpenAi, EnginesAsync),
        new("GET", "/admin/integrity", RouteKey.Admin, ErrorEnvelope.OpenAi, IntegrityAsync),
    ];

    /// <summary>What each engine does now.</summary>
    private static Task EnginesAsync(RequestContext context) => context.WriteJsonAsync(200, writer => ForEach(context, writer, static (writer, model) =>
    {
        EngineStatistics engine = model.Engine.Statistics();
        writer.WriteNumber("running", engine.Running);
        writer.WriteNumber("waiting", engine.Waiting);
        writer.WriteNumber("preempted", engine.Preempted);
        writer.WriteNumber("blocks_total", engine.BlocksTotal);
        writer.WriteNumber("blocks_used", engine.BlocksUsed);
        writer.WriteNumber("blocks_cached", engine.BlocksCached);
        writer.WriteNumber("blocks_free", engine.BlocksFree);
        writer.WriteNumber("kv_cache_bytes", engine.KvCacheBytes);
        writer.WriteNumber("steps", engine.Steps);
        writer.WriteNumber("preemptions", engine.Preemptions);
    }));

    /// <summary>Recounts the blocks of each engine's cache; <c>problem</c> is null when all add up.</summary>
    private static Task IntegrityAsync(RequestContext context) => context.WriteJsonAsync(200, writer => ForEach(context, writer, static (writer, model) =>
        writer.WriteString("problem", model.Engine.CheckIntegrity())));

    private static void ForEach(RequestContext context, Utf8JsonWriter writer, Action<Utf8JsonWriter, ServedModel> write)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("engines");
        foreach (ServedModel model in context.Models.All)
        {
            writer.WriteStartObject();
            writer.WriteString("model", model.Name);
            write(writer, model);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }
}
