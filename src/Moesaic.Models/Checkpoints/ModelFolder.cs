namespace Moesaic.Models.Checkpoints;

/// <summary>The files of a Hugging Face folder: the one place that knows their names. Files that are not there are null.</summary>
public sealed class ModelFolder
{
    /// <param name="path">The folder.</param>
    public ModelFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
    }

    /// <summary>The folder itself.</summary>
    public string Path { get; }

    public string? Config => Find("config.json");

    public string? GenerationConfig => Find("generation_config.json");

    public string? TokenizerJson => Find("tokenizer.json");

    public string? TokenizerConfig => Find("tokenizer_config.json");

    public string? SpecialTokensMap => Find("special_tokens_map.json");

    public string? AddedTokens => Find("added_tokens.json");

    /// <summary>SentencePiece model, for folders without tokenizer.json.</summary>
    public string? TokenizerModel => Find("tokenizer.model");

    /// <summary>Byte-level BPE vocabulary, for folders without tokenizer.json; goes with <see cref="Merges"/>.</summary>
    public string? VocabularyJson => Find("vocab.json");

    public string? Merges => Find("merges.txt");

    /// <summary>WordPiece vocabulary, for folders without tokenizer.json.</summary>
    public string? VocabularyText => Find("vocab.txt");

    /// <summary>A chat template as a file of its own; it comes before the one inside tokenizer_config.json.</summary>
    public string? ChatTemplate => Find("chat_template.jinja");

    /// <summary>A chat template wrapped in JSON, as some older multimodal models have it.</summary>
    public string? ChatTemplateJson => Find("chat_template.json");

    /// <summary>Whether there is any file that a tokenizer can be made of.</summary>
    public bool HasTokenizer => (TokenizerJson ?? TokenizerModel ?? VocabularyJson ?? VocabularyText) is not null;

    private string? Find(string name)
    {
        string path = System.IO.Path.Combine(Path, name);
        return File.Exists(path) ? path : null;
    }
}
