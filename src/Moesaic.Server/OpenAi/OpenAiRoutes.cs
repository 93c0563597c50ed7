using Moesaic.Server.Errors;
using Moesaic.Server.OpenAi.Responses;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>OpenAI's protocol and its neighbours.</summary>
internal static class OpenAiRoutes
{
    public static IEnumerable<Route> All =>
    [
        new("GET", "/v1/models", RouteKey.User, ErrorEnvelope.OpenAi, ModelRoutes.ListAsync),
        new("GET", "/v1/models/*", RouteKey.User, ErrorEnvelope.OpenAi, ModelRoutes.OneAsync),
        new("POST", "/v1/chat/completions", RouteKey.User, ErrorEnvelope.OpenAi, ChatCompletionRoute.HandleAsync),
        new("POST", "/v1/completions", RouteKey.User, ErrorEnvelope.OpenAi, CompletionRoute.HandleAsync),
        new("POST", "/v1/responses", RouteKey.User, ErrorEnvelope.OpenAi, ResponsesRoute.HandleAsync),
        new("POST", "/v1/embeddings", RouteKey.User, ErrorEnvelope.OpenAi, EmbeddingRoute.HandleAsync),
        new("POST", "/tokenize", RouteKey.User, ErrorEnvelope.OpenAi, TokenizeRoutes.TokenizeAsync),
        new("POST", "/detokenize", RouteKey.User, ErrorEnvelope.OpenAi, TokenizeRoutes.DetokenizeAsync),
    ];
}
