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
            Write(json, model);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });

    public static Task OneAsync(RequestContext context)
    {
        ServedModel model = context.Models.Get(context.Rest);
        return context.WriteJsonAsync(200, json => Write(json, model));
    }

    private static void Write(Utf8JsonWriter json, ServedModel model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model.Name);
        json.WriteString("object"u8, "model");
        json.WriteNumber("created"u8, model.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, "moesaic");
        json.WriteString("root"u8, model.Name);
        json.WriteNull("parent"u8);
        json.WriteNumber("max_model_len"u8, model.Engine.MaxContext);
        json.WriteEndObject();
    }
}
