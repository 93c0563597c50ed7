using System.Globalization;
using Moesaic.Engine;
using Moesaic.Server.Catalog;

namespace Moesaic.Server.Metrics;

/// <summary>All metrics of a host; the names are vLLM's under our prefix, so that its dashboards need one replacement.</summary>
internal static class MetricsPage
{
    private const string Prefix = "moesaic:";

    public static byte[] Write(IReadOnlyList<ServedModel> models, IReadOnlyList<ServedEncoder> encoders, ServerMetrics metrics)
    {
        PrometheusText text = new();
        (ServedModel Model, EngineStatistics Engine, ModelMetrics Requests)[] all = [.. models.Select(m => (m, m.Engine.Statistics(), metrics.Of(m)))];

        Value("num_requests_running", "gauge", "Sequences that run.", static s => s.Running);
        Value("num_requests_waiting", "gauge", "Requests and preempted sequences that wait.", static s => s.Waiting + s.Preempted);
        Value("kv_cache_usage_perc", "gauge", "Share of the key-value cache in use, 0 to 1.", static s => s.KvCacheUsage);
        Value("prefix_cache_queries_total", "counter", "Prompt tokens that were looked up in the prefix cache.", static s => s.PromptTokens);
        Value("prefix_cache_hits_total", "counter", "Prompt tokens that came from the prefix cache.", static s => s.CachedTokens);
        Value("num_preemptions_total", "counter", "Times that a sequence lost its blocks.", static s => s.Preemptions);
        Value("prompt_tokens_total", "counter", "Prompt tokens of admitted requests.", static s => s.PromptTokens);
        Value("generation_tokens_total", "counter", "Tokens generated.", static s => s.GeneratedTokens);
        Value("engine_steps_total", "counter", "Steps run.", static s => s.Steps);
        Value("requests_rejected_total", "counter", "Requests that the engine did not take.", static s => s.RequestsRejected);

        string success = Begin("request_success_total", "counter", "Requests that ended, by how they did.");
        foreach ((ServedModel model, _, ModelMetrics requests) in all)
        {
            for (int i = 0; i < FinishLabels.All.Length; i++)
            {
                text.Sample(success, requests.Finished(i), ("model_name", model.Name), ("finished_reason", FinishLabels.All[i]));
            }
        }

        Times("time_to_first_token_seconds", "From arrival to the first token.", static m => m.TimeToFirstToken);
        Times("inter_token_latency_seconds", "Between two tokens of a sample.", static m => m.InterTokenLatency);
        Times("request_time_per_output_token_seconds", "Mean time of a request's tokens after the first.", static m => m.TimePerOutputToken);
        Times("e2e_request_latency_seconds", "From arrival to the end.", static m => m.EndToEnd);
        Times("request_queue_time_seconds", "From arrival until it first ran.", static m => m.QueueTime);
        Times("request_prefill_time_seconds", "From when it first ran to the first token.", static m => m.PrefillTime);
        Times("request_decode_time_seconds", "From the first token to the last.", static m => m.DecodeTime);
        Times("request_inference_time_seconds", "From when it first ran to the end.", static m => m.InferenceTime);

        string cache = Begin("cache_config_info", "gauge", "The key-value cache; always 1.");
        foreach ((ServedModel model, EngineStatistics engine, _) in all)
        {
            text.Sample(
                cache,
                1,
                ("model_name", model.Name),
                ("block_size", Integer(engine.BlockTokens)),
                ("num_blocks", Integer(engine.BlocksTotal)),
                ("kv_cache_bytes", Integer(engine.KvCacheBytes)));
        }

        Embeddings("embedding_texts_total", "counter", "Texts whose embeddings were made.", static e => e.TextsDone);
        Embeddings("embedding_tokens_total", "counter", "Their tokens.", static e => e.TokensDone);
        Embeddings("embedding_steps_total", "counter", "Steps of encoders.", static e => e.Steps);
        Embeddings("embedding_texts_waiting", "gauge", "Texts that wait for their embeddings.", static e => e.WaitingTexts);

        string responses = Begin("http_responses_total", "counter", "Responses, by status; 499 where the client went away.");
        foreach ((int status, long count) in metrics.Responses())
        {
            text.Sample(responses, count, ("status", Integer(status)));
        }

        return text.ToUtf8();

        string Begin(string name, string type, string help)
        {
            text.Family(Prefix + name, type, help);
            return Prefix + name;
        }

        void Value(string name, string type, string help, Func<EngineStatistics, double> value)
        {
            string full = Begin(name, type, help);
            foreach ((ServedModel model, EngineStatistics engine, _) in all)
            {
                text.Sample(full, value(engine), ("model_name", model.Name));
            }
        }

        void Embeddings(string name, string type, string help, Func<EmbeddingEngine, long> value)
        {
            string full = Begin(name, type, help);
            foreach (ServedEncoder encoder in encoders)
            {
                text.Sample(full, value(encoder.Engine), ("model_name", encoder.Name));
            }
        }

        void Times(string name, string help, Func<ModelMetrics, Histogram> histogram)
        {
            string full = Begin(name, "histogram", help);
            foreach ((ServedModel model, _, ModelMetrics requests) in all)
            {
                text.Histogram(full, histogram(requests), model.Name);
            }
        }
    }

    private static string Integer(long value) => value.ToString(CultureInfo.InvariantCulture);
}
