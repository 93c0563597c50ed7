using System.Text.Json;
using Moesaic.Server.Catalog;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>GET /v1/models and /v1/models/{id}.</summary>
internal static class ModelRoutes
{
    public static Task ListAsync(RequestContext context) => context.WriteJsonAsync(200, json =>
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list");
        json.WriteStartArray("data"u8);
        foreach (ServedModel model in context.Models.All)
        {
            Write(json, model.Name, model.Created, model.Engine.MaxContext);
        }

        foreach (ServedEncoder encoder in context.Models.Encoders)
        {
            Write(json, encoder.Name, encoder.Created, encoder.Model.MaxContext);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static Task OneAsync(RequestContext context)
    {
        if (context.Models.Encoders.FirstOrDefault(m => m.Name == context.Rest) is { } encoder)
        {
            return context.WriteJsonAsync(200, json => Write(json, encoder.Name, encoder.Created, encoder.Model.MaxContext));
        }

        ServedModel model = context.Models.Get(context.Rest);
        return context.WriteJsonAsync(200, json => Write(json, model.Name, model.Created, model.Engine.MaxContext));
    }

    private static void Write(Utf8JsonWriter json, string name, DateTimeOffset created, int maxContext)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, name);
        json.WriteString("object"u8, "model");
        json.WriteNumber("created"u8, created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, "moesaic");
        json.WriteString("root"u8, name);
        json.WriteNull("parent"u8);
        json.WriteNumber("max_model_len"u8, maxContext);
        json.WriteEndObject();
    }
}
