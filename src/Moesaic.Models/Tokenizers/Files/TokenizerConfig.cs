using System.Globalization;
using System.Text.Json;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>What tokenizer_config.json and special_tokens_map.json say about tokens, beside the tokenizer proper.</summary>
internal sealed record TokenizerConfig
{
    public string? TokenizerClass { get; init; }

    public SpecialTokens Special { get; init; } = new();

    public string? Cls { get; init; }

    public string? Separator { get; init; }

    public bool? AddBos { get; init; }

    public bool? AddEos { get; init; }

    public bool AddPrefixSpace { get; init; }

    public bool Lowercase { get; init; } = true;

    public bool HandleChineseCharacters { get; init; } = true;

    public bool? StripAccents { get; init; }

    /// <summary>Added tokens in the order of their ids, then named special tokens.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Reads the files that are there.</summary>
    /// <exception cref="ModelFormatException">A field has a wrong type.</exception>
    public static TokenizerConfig Read(ModelFolder folder)
    {
        TokenizerConfig result = folder.TokenizerConfig is { } config ? ReadFile(config) : new TokenizerConfig();
        return folder.SpecialTokensMap is { } map ? JsonField.ReadFile(map, field => result.FilledFrom(Read(field))) : result;
    }

    /// <summary>Reads one file.</summary>
    /// <exception cref="ModelFormatException">A field has a wrong type.</exception>
    public static TokenizerConfig ReadFile(string path) => JsonField.ReadFile(path, Read);

    private static TokenizerConfig Read(JsonField root)
    {
        root.Object();
        List<AddedToken> added = ReadAddedTokens(root["added_tokens_decoder"]);
        foreach (string name in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"])
        {
            AddNamed(root[name], added);
        }

        JsonField additional = root["additional_special_tokens"];
        if (additional.Kind == JsonValueKind.Array)
        {
            foreach (JsonField item in additional.Items())
            {
                AddNamed(item, added);
            }
        }

        return new TokenizerConfig
        {
            TokenizerClass = root["tokenizer_class"].OptionalString(),
            Special = new SpecialTokens
            {
                Bos = TokenText(root["bos_token"]),
                Eos = TokenText(root["eos_token"]),
                Unknown = TokenText(root["unk_token"]),
                Padding = TokenText(root["pad_token"]),
            },
            Cls = TokenText(root["cls_token"]),
            Separator = TokenText(root["sep_token"]),
            AddBos = OptionalFlag(root["add_bos_token"]),
            AddEos = OptionalFlag(root["add_eos_token"]),
            AddPrefixSpace = root["add_prefix_space"].OptionalBool(false),
            Lowercase = root["do_lower_case"].OptionalBool(true),
            HandleChineseCharacters = root["tokenize_chinese_chars"].OptionalBool(true),
            StripAccents = OptionalFlag(root["strip_accents"]),
            AddedTokens = added,
        };
    }

    private static bool? OptionalFlag(JsonField field) => field.IsNull ? null : field.Bool();

    // A token is its text, or an object that holds it.
    private static string? TokenText(JsonField field) => field.Kind == JsonValueKind.Object ? field["content"].String() : field.OptionalString();

    private static void AddNamed(JsonField field, List<AddedToken> added)
    {
        if (TokenText(field) is { Length: > 0 } text && !added.Exists(token => token.Content == text))
        {
            added.Add(field.Kind == JsonValueKind.Object
                ? TokenizerJsonReader.ReadAddedToken(field, text, special: true) with { Normalized = false }
                : new AddedToken(text, Special: true, Normalized: false));
        }
    }

    private static List<AddedToken> ReadAddedTokens(JsonField field)
    {
        SortedDictionary<int, AddedToken> tokens = [];
        if (!field.IsNull)
        {
            foreach (JsonProperty property in field.Object().Element.EnumerateObject())
            {
                JsonField item = new(field.File, $"{field.Path}.{property.Name}", property.Value);
                if (!int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int id))
                {
                    throw item.Error($"'{property.Name}' is not an id");
                }

                tokens[id] = TokenizerJsonReader.ReadAddedToken(item, item["content"].String(), item["special"].OptionalBool(false));
            }
        }

        return [.. tokens.Values];
    }

    // special_tokens_map.json fills what tokenizer_config.json leaves open.
    private TokenizerConfig FilledFrom(TokenizerConfig other) => this with
    {
        Special = new SpecialTokens
        {
            Bos = Special.Bos ?? other.Special.Bos,
            Eos = Special.Eos ?? other.Special.Eos,
            Unknown = Special.Unknown ?? other.Special.Unknown,
            Padding = Special.Padding ?? other.Special.Padding,
        },
        Cls = Cls ?? other.Cls,
        Separator = Separator ?? other.Separator,
        AddedTokens = [.. AddedTokens, .. other.AddedTokens.Where(token => AddedTokens.All(known => known.Content != token.Content))],
    };
}
