using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>Small files for one fixture of tests.</summary>
internal sealed class Samples : IDisposable
{
    // Whole words; a text gets <s> in front. Nothing here depends on a tokenizer that a clone may lack.
    private const string TokenizerJson = """
        {
          "version": "1.0",
          "added_tokens": [{"id": 0, "content": "<s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
          "normalizer": null,
          "pre_tokenizer": {"type": "WhitespaceSplit"},
          "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
          },
          "decoder": null,
          "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"<s>": 0, "?": 1, "river": 2, "größe": 3, "😀": 4}}
        }
        """;

    private readonly TemporaryFolder _folder = new();

    public string Tokenizer => Write("tokenizer.json", TokenizerJson);

    /// <summary>A template with a refusal, a failure and every input of note.</summary>
    public string Template => Write(
        "chat.jinja",
        """
        {{ bos_token }}{{ strftime_now('%Y-%m-%d') }}
        {% for m in messages %}
        {% if m.role == 'forbidden' %}{{ raise_exception('Role ' ~ m.role ~ ' is not known') }}{% endif %}
        <{{ m.role }}>{{ '' + m.content }}
        {% endfor %}
        {% if tools %}{{ tools | tojson }}{% endif %}
        {% if add_generation_prompt %}<assistant>{% endif %}
        """);

    public string Write(string name, string text)
    {
        string path = _folder.Combine(name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => _folder.Dispose();
}
