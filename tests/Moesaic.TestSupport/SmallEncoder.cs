using System.Globalization;

namespace Moesaic.TestSupport;

/// <summary>A BERT of random weights (the same every time) with a tokenizer of a few words, for tests of everything around the arithmetic.</summary>
public static class SmallEncoder
{
    public const int Dimensions = 32;
    public const int MaxContext = 24;
    public const int Vocabulary = 12;
    private const int Intermediate = 48;
    private const int Layers = 2;

    private const string Tokenizer = """
        {
          "version": "1.0",
          "added_tokens": [
            {"id": 0, "content": "[PAD]", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
            {"id": 1, "content": "[CLS]", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false},
            {"id": 2, "content": "[SEP]", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
          "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
          "pre_tokenizer": {"type": "BertPreTokenizer"},
          "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [2], "tokens": ["[SEP]"]}}
          },
          "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
          "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            "vocab": {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "river": 4, "stone": 5, "##s": 6, "cold": 7, "water": 8, "a": 9, "of": 10, ".": 11}}
        }
        """;

    /// <summary>Writes the checkpoint into a folder.</summary>
    /// <returns>The folder.</returns>
    public static string Write(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": {{Dimensions}}, "intermediate_size": {{Intermediate}}, "num_hidden_layers": {{Layers}},
             "num_attention_heads": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "max_position_embeddings": {{MaxContext}}, "type_vocab_size": 2,
             "vocab_size": {{Vocabulary}}, "pad_token_id": 0, "torch_dtype": "float32"}
            """);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer);
        List<(string Name, int[] Shape, float[] Values)> tensors = [];
        Add("embeddings.word_embeddings.weight", Vocabulary, Dimensions);
        Add("embeddings.position_embeddings.weight", MaxContext, Dimensions);
        Add("embeddings.token_type_embeddings.weight", 2, Dimensions);
        Norm("embeddings.LayerNorm");
        for (int i = 0; i < Layers; i++)
        {
            string layer = string.Create(CultureInfo.InvariantCulture, $"encoder.layer.{i}.");
            Linear(layer + "attention.self.query", Dimensions, Dimensions);
            Linear(layer + "attention.self.key", Dimensions, Dimensions);
            Linear(layer + "attention.self.value", Dimensions, Dimensions);
            Linear(layer + "attention.output.dense", Dimensions, Dimensions);
            Norm(layer + "attention.output.LayerNorm");
            Linear(layer + "intermediate.dense", Intermediate, Dimensions);
            Linear(layer + "output.dense", Dimensions, Intermediate);
            Norm(layer + "output.LayerNorm");
        }

        ScriptedCheckpoint.WriteSafetensors(Path.Combine(folder, "model.safetensors"), tensors);
        return folder;

        void Linear(string name, int rows, int cols)
        {
            Add(name + ".weight", rows, cols);
            Add(name + ".bias", rows);
        }

        void Norm(string name)
        {
            Add(name + ".weight", Dimensions);
            Add(name + ".bias", Dimensions);
        }

        void Add(string name, params int[] shape)
        {
            // A fixed sequence of numbers between -0.5 and 0.5.
            uint state = (uint)(tensors.Count + 1) * 2654435761u;
            float[] values = new float[shape.Aggregate(1, (a, b) => a * b)];
            for (int i = 0; i < values.Length; i++)
            {
                state = (state * 1664525u) + 1013904223u;
                values[i] = (state >> 8) / (float)(1 << 24) - 0.5f;
            }

            tensors.Add((name, shape, values));
        }
    }
}
