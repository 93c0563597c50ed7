using System.Globalization;

namespace Moesaic.TestSupport;

/// <summary>A Switch Transformer of random weights (the same every time) without a tokenizer, for tests of everything around the arithmetic.</summary>
public static class SmallEncoderDecoder
{
    public const int Vocabulary = 24;
    public const int MaxContext = 700;
    public const int StartId = 3;
    private const int Hidden = 32;
    private const int Heads = 2;
    private const int HeadWidth = 16;
    private const int Width = 32;
    private const int Layers = 2;
    private const int Experts = 4;
    private const int Buckets = 8;

    /// <summary>Writes the checkpoint into a folder. Of two layers a half, the second has four experts with room for six tokens each.</summary>
    /// <returns>The folder.</returns>
    public static string Write(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {"architectures": ["SwitchTransformersForConditionalGeneration"], "model_type": "switch_transformers", "is_encoder_decoder": true,
             "d_model": {{Hidden}}, "d_kv": {{HeadWidth}}, "d_ff": {{Width}}, "num_heads": {{Heads}}, "vocab_size": {{Vocabulary}}, "n_positions": {{MaxContext}},
             "num_layers": {{Layers}}, "num_decoder_layers": {{Layers}}, "encoder_sparse_step": 2, "decoder_sparse_step": 2, "num_experts": {{Experts}},
             "expert_capacity": 6, "relative_attention_num_buckets": {{Buckets}}, "relative_attention_max_distance": 16, "tie_word_embeddings": true,
             "decoder_start_token_id": {{StartId}}, "torch_dtype": "float32"}
            """);
        List<(string Name, int[] Shape, float[] Values)> tensors = [];
        Add("shared.weight", Vocabulary, Hidden);
        foreach (string half in (string[])["encoder", "decoder"])
        {
            for (int i = 0; i < Layers; i++)
            {
                string block = string.Create(CultureInfo.InvariantCulture, $"{half}.block.{i}.layer.");
                int part = 0;
                Attention($"{block}{part++}", "SelfAttention");
                if (i == 0)
                {
                    Add($"{block}0.SelfAttention.relative_attention_bias.weight", Buckets, Heads);
                }

                if (half == "decoder")
                {
                    Attention($"{block}{part++}", "EncDecAttention");
                }

                FeedForward($"{block}{part}", isSparse: i % 2 == 1);
            }

            Add($"{half}.final_layer_norm.weight", Hidden);
        }

        ScriptedCheckpoint.WriteSafetensors(Path.Combine(folder, "model.safetensors"), tensors);
        return folder;

        void Attention(string part, string name)
        {
            Add($"{part}.layer_norm.weight", Hidden);
            foreach (string matrix in (string[])["q", "k", "v"])
            {
                Add($"{part}.{name}.{matrix}.weight", Heads * HeadWidth, Hidden);
            }

            Add($"{part}.{name}.o.weight", Hidden, Heads * HeadWidth);
        }

        void FeedForward(string part, bool isSparse)
        {
            Add($"{part}.layer_norm.weight", Hidden);
            if (isSparse)
            {
                Add($"{part}.mlp.router.classifier.weight", Experts, Hidden);
            }

            for (int e = 0; e < (isSparse ? Experts : 1); e++)
            {
                string expert = isSparse ? string.Create(CultureInfo.InvariantCulture, $"experts.expert_{e}.") : "";
                Add($"{part}.mlp.{expert}wi.weight", Width, Hidden);
                Add($"{part}.mlp.{expert}wo.weight", Hidden, Width);
            }
        }

        void Add(string name, params int[] shape)
        {
            // A fixed sequence of numbers between -1 and 1.
            uint state = (uint)(tensors.Count + 1) * 2654435761u;
            float[] values = new float[shape.Aggregate(1, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++)
            {
                state = (state * 1664525u) + 1013904223u;
                values[i] = ((state >> 8) / (float)(1 << 23)) - 1;
            }

            tensors.Add((name, shape, values));
        }
    }
}
