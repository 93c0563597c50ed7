using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>POST /v1/embeddings: refused, as all models here are decoders.</summary>
internal static class EmbeddingRoute
{
    public static Task HandleAsync(RequestContext context) => RequestReading.ReadAsync<ServedModel>(context, Read);

    private static ServedModel Read(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        body.Require("input");
        throw ApiException.NotSupported("model", $"the model '{model.Name}' generates text and makes no embeddings; serve an encoder for them");
    }
}
